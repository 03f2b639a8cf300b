import type { NativeFailure } from './native.js';

/** The stable codes: what went wrong, the same in every language. */
export type ErrorCode =
  | 'login_required'
  | 'access_denied'
  | 'login_expired'
  | 'oauth'
  | 'unauthorized'
  | 'payment_required'
  | 'permission_denied'
  | 'not_found'
  | 'conflict'
  | 'invalid_request'
  | 'rate_limited'
  | 'server'
  | 'connection'
  | 'tls'
  | 'timeout'
  | 'invalid_response'
  | 'store'
  | 'store_corrupt'
  | 'config'
  | 'internal';

/** One field that the Account API refused. */
export interface FieldError {
  /** Where in the request: `body.amount_cents`. */
  readonly location: string;
  /** What is wrong with it. */
  readonly message: string;
  /** The service's own name for the mistake. */
  readonly type: string;
}

/** What an {@link AccountError} is made of. */
export interface AccountErrorDetails {
  code: ErrorCode;
  message: string;
  status?: number | undefined;
  requestId?: string | undefined;
  retryAfter?: number | undefined;
  oauthError?: string | undefined;
  description?: string | undefined;
  retryable?: boolean | undefined;
  outcomeUnknown?: boolean | undefined;
  idempotencyKey?: string | undefined;
  cause?: unknown;
}

/**
 * Whatever this library reports. The classes below say what a caller can do about it; a call that
 * its `signal` stopped rejects with the signal's reason instead, which is no `AccountError`.
 * No message, property or cause holds a secret.
 */
export class AccountError extends Error {
  /** Stable: made for programs to compare. */
  readonly code: ErrorCode;
  /** The HTTP status that was answered, if one was. */
  declare readonly status?: number;
  /** Names the request to Parallel's support. */
  declare readonly requestId?: string;
  /** Milliseconds that the service asked to wait. */
  declare readonly retryAfter?: number;
  /** The authorization server's `error`, where it refused (RFC 6749 §5.2, RFC 8628 §3.5). */
  declare readonly oauthError?: string;
  /** The authorization server's `error_description`, cleaned for display. */
  declare readonly description?: string;
  /** Whether the same call may succeed later without anything being changed. */
  readonly retryable: boolean;
  /** Whether the service may have acted although no answer came. */
  readonly outcomeUnknown: boolean;
  /**
   * The key that `balance.add` sent, given or generated: calling it again with this key charges
   * once.
   */
  declare readonly idempotencyKey?: string;

  constructor(details: AccountErrorDetails) {
    super(details.message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = details.code;
    // Set only where known, so that an inspected error shows what there is to know.
    if (details.status !== undefined) this.status = details.status;
    if (details.requestId !== undefined) this.requestId = details.requestId;
    if (details.retryAfter !== undefined) this.retryAfter = details.retryAfter;
    if (details.oauthError !== undefined) this.oauthError = details.oauthError;
    if (details.description !== undefined) this.description = details.description;
    this.retryable = details.retryable ?? false;
    this.outcomeUnknown = details.outcomeUnknown ?? false;
    if (details.idempotencyKey !== undefined) this.idempotencyKey = details.idempotencyKey;
  }

  /** For structured logs. */
  toJSON(): Record<string, unknown> {
    return Object.fromEntries([
      ['name', this.name],
      ['message', this.message],
      ...Object.entries(this),
    ]);
  }
}

/** There is no login, or it has ended: log in (again). */
export class LoginRequiredError extends AccountError {}

/** The user said no on the approval page. */
export class AccessDeniedError extends AccountError {}

/** The code died before anyone approved it: start a new login. */
export class LoginExpiredError extends AccountError {}

/** Any other refusal by the authorization server (RFC 6749 §5.2). */
export class OAuthError extends AccountError {}

/** The Account API refused the request. */
export class ApiError extends AccountError {}

/** 401: the access token was refused, also after a refresh. */
export class UnauthorizedError extends ApiError {}

/** 402: the payment did not go through. */
export class PaymentRequiredError extends ApiError {}

/** 403: the login lacks the scope or the right. */
export class PermissionDeniedError extends ApiError {}

/** 404 */
export class NotFoundError extends ApiError {}

/** 409 */
export class ConflictError extends ApiError {}

/** 422, or an argument refused before anything was sent (then without `status`). */
export class InvalidRequestError extends ApiError {
  /** The fields that were refused, if the service named them. */
  readonly fields: readonly FieldError[];

  constructor(details: AccountErrorDetails & { fields?: readonly FieldError[] }) {
    super(details);
    this.fields = details.fields ?? [];
  }
}

/** 429: wait {@link AccountError.retryAfter} milliseconds. */
export class RateLimitedError extends ApiError {}

/** 5xx */
export class ServerError extends ApiError {}

/** No answer came; {@link AccountError.outcomeUnknown} tells whether the service may have acted. */
export class ConnectionError extends AccountError {}

/** The certificate was not accepted. */
export class TlsError extends ConnectionError {}

/** The answer took too long. */
export class TimeoutError extends ConnectionError {}

/** A malformed response. */
export class InvalidResponseError extends AccountError {}

/** Credentials could not be read or written. */
export class StoreError extends AccountError {}

/** The stored credentials are no record of this library. */
export class StoreCorruptError extends StoreError {}

/** A bad option or an insecure URL. */
export class ConfigError extends AccountError {}

/** A bug of this library: please report it, with the place that standard error names. */
export class InternalError extends AccountError {}

const CLASSES = {
  login_required: LoginRequiredError,
  access_denied: AccessDeniedError,
  login_expired: LoginExpiredError,
  oauth: OAuthError,
  unauthorized: UnauthorizedError,
  payment_required: PaymentRequiredError,
  permission_denied: PermissionDeniedError,
  not_found: NotFoundError,
  conflict: ConflictError,
  invalid_request: InvalidRequestError,
  rate_limited: RateLimitedError,
  server: ServerError,
  connection: ConnectionError,
  tls: TlsError,
  timeout: TimeoutError,
  invalid_response: InvalidResponseError,
  store: StoreError,
  store_corrupt: StoreCorruptError,
  config: ConfigError,
  internal: InternalError,
} as const satisfies Record<ErrorCode, new (details: AccountErrorDetails) => AccountError>;

// On the prototypes, so that an inspected error does not list its name among its properties.
for (const errorClass of [AccountError, ApiError, ...Object.values(CLASSES)]) {
  Object.defineProperty(errorClass.prototype, 'name', {
    value: errorClass.name,
    configurable: true,
    writable: true,
  });
}

/**
 * The error for what the native module reported.
 * @internal
 */
export function errorFrom(failure: NativeFailure, hostError?: unknown): AccountError {
  const { fields, causes, hostError: _, code, ...rest } = failure;
  const errorClass = code in CLASSES ? CLASSES[code as ErrorCode] : AccountError;
  const details: AccountErrorDetails & { fields: readonly FieldError[] } = {
    ...rest,
    code: code as ErrorCode,
    message: ownWords(failure, hostError) ? inCamelCase(failure.message) : failure.message,
    cause: hostError ?? chain(causes.map(inCamelCase)),
    fields: fields.map(({ location, message, errorType }) => ({
      location,
      message,
      type: errorType,
    })),
  };
  return new errorClass(details);
}

/** Whether neither the service nor a store had a say in the message. */
function ownWords(failure: NativeFailure, hostError: unknown): boolean {
  return failure.status === undefined && hostError === undefined;
}

/** What the core names as Rust does, and options here do not. */
const NAMES =
  /\b(accept_plaintext|account_url|amount_cents|app_id|ca_bundle|client_id|client_name|first_poll_at_once|idempotency_key|key_id|lock_timeout|login_hint|max_retries|pending_record|platform_url|user_agent)\b/g;

function inCamelCase(message: string): string {
  return message.replace(NAMES, (name) =>
    name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
  );
}

function chain(causes: string[]): Error | undefined {
  let cause: Error | undefined;
  for (const message of causes.toReversed()) {
    cause = new Error(message, cause === undefined ? undefined : { cause });
    // It never ran anywhere in JavaScript.
    cause.stack = `Error: ${message}`;
  }
  return cause;
}

/** @internal */
export function isFailure(value: object): value is NativeFailure {
  return 'code' in value && 'causes' in value;
}
