/**
 * Log a user in to Parallel by the device flow and call the Account API.
 * @packageDocumentation
 */

export { AppsApi, BalanceApi, KeysApi, OAuthApi } from './api.js';
export type {
  CallMessage,
  RefreshMessage,
  RequestEndMessage,
  RequestErrorMessage,
  RequestMessage,
  RetryMessage,
  StoreMessage,
  WarningMessage,
} from './channels.js';
export { AccountClient, type LoginOptions, type StartLoginOptions } from './client.js';
export type { CredentialStore } from './credentialstore.js';
export { EncryptedStore, type EncryptedStoreOptions } from './encryptedstore.js';
export {
  AccessDeniedError,
  AccountError,
  type AccountErrorDetails,
  ApiError,
  ConfigError,
  ConflictError,
  ConnectionError,
  type ErrorCode,
  type FieldError,
  InternalError,
  InvalidRequestError,
  InvalidResponseError,
  LoginExpiredError,
  LoginRequiredError,
  NotFoundError,
  OAuthError,
  PaymentRequiredError,
  PermissionDeniedError,
  RateLimitedError,
  ServerError,
  StoreCorruptError,
  StoreError,
  TimeoutError,
  TlsError,
  UnauthorizedError,
} from './errors.js';
export type { HeadersLike } from './headers.js';
export type { Logger } from './logger.js';
export { DeviceLogin, type WaitOptions } from './login.js';
export type {
  ApiKey,
  App,
  Balance,
  DeviceCode,
  LoginEvent,
  Organization,
  PollAnswer,
  QrCode,
  Status,
  Tokens,
} from './models.js';
export type { AccountClientOptions } from './options.js';
export type { ApiPromise, ApiResponse } from './response.js';
export { Secret, type SecretText } from './secret.js';
export type { CallDefaults, CallOptions, LimitOptions } from './session.js';
export { FileStore, MemoryStore } from './stores.js';
