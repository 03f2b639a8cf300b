// The native module as TypeScript sees it. Internal: what it hands over is turned into the public
// classes in the files beside this one. Times are milliseconds since 1970, durations milliseconds.

import { load } from './loader.js';

export interface NativeFailure {
  code: string;
  message: string;
  status?: number;
  requestId?: string;
  retryAfter?: number;
  retryable: boolean;
  outcomeUnknown: boolean;
  idempotencyKey?: string;
  oauthError?: string;
  description?: string;
  fields: { location: string; message: string; errorType: string }[];
  causes: string[];
  hostError?: number;
}

export interface NativeApiKey {
  apiKeyId: string;
  apiKeyName: string;
  appId: string;
  appName?: string;
  createdByUserId?: string;
  createdByUserEmail?: string;
  displayValue?: string;
  rawApiKey?: string;
  createdAt?: number;
}

export interface NativeStatus {
  loggedIn: boolean;
  organization?: { id: string; name?: string; selected: boolean; loggedIn: boolean };
  scopes: string[];
  accessTokenExpiresAt?: number;
  refreshTokenExpiresAt?: number;
  authorizationExpiresAt?: number;
  clientId?: string;
  store: string;
  problem?: string;
}

export interface NativeDeviceCode {
  deviceCode: string;
  userCode: string;
  verificationUri: string;
  verificationUriComplete?: string;
  expiresIn: number;
  interval: number;
}

export interface NativeTokens {
  accessToken: string;
  refreshToken?: string;
  tokenType: string;
  expiresIn?: number;
  scopes?: string[];
  orgId?: string;
  orgName?: string;
  refreshTokenExpiresIn?: number;
  authorizationExpiresIn?: number;
}

export interface NativePollAnswer {
  state: 'pending' | 'slow_down' | 'tokens';
  tokens?: NativeTokens;
}

export interface NativeEvent {
  type: 'pending' | 'slow_down' | 'offline' | 'authorized';
  retryIn?: number;
  interval?: number;
  error?: NativeFailure;
  status?: NativeStatus;
}

/** What an answer says besides its body. */
export interface NativeResponse {
  status: number;
  requestId?: string;
  /** Names and values by turns. */
  headers: string[];
}

/** One attempt of a request. */
export interface NativeRequest {
  id: number;
  method: string;
  url: string;
  attempt: number;
}

/** The tokens of a login were renewed, or not. */
export interface NativeRefresh {
  kind: 'renewed' | 'adopted' | 'failed';
  organization: string;
  error?: NativeFailure;
}

/** Something that happened in a client. */
export type NativeHappened =
  | (NativeRequest & { kind: 'request:start' })
  | (NativeRequest & { kind: 'request:end'; status: number; requestId?: string; duration: number })
  | (NativeRequest & { kind: 'request:error'; error: NativeFailure; duration: number })
  | (NativeRequest & { kind: 'retry'; after: number })
  | NativeRefresh
  | { kind: 'store'; location: string; error?: NativeFailure; duration?: number };

export interface NativeBridge {
  cancel(call: number): void;
  listen(what: number): void;
  see(call: number): void;
  answerRecord(question: number, record?: string): void;
  answerReplaced(question: number, replaced: boolean): void;
  answerError(question: number, message: string, kept: number): void;
}

export interface NativeStore {
  location(): string;
  load(bridge: NativeBridge, call: number): void;
  replace(bridge: NativeBridge, call: number, old?: string, record?: string): void;
}

export interface NativeLogin {
  prompt(): {
    userCode: string;
    verificationUri: string;
    verificationUriComplete?: string;
    expiresAt: number;
  };
  interval(): number;
  promptText(): string | NativeFailure;
  qr(): { text: string; svg: string } | NativeFailure;
  pendingRecord(): string;
  poll(call: number): void;
  wait(call: number): void;
  cancel(): void;
}

export interface NativeLimits {
  timeout?: number;
  deadline?: number;
  maxRetries?: number;
  headers?: string[];
}

type Limits = NativeLimits | undefined;

export interface NativeClient {
  balanceGet(call: number, limits: Limits): void;
  balanceAdd(call: number, limits: Limits, amountCents: number, idempotencyKey?: string): void;
  appsList(call: number, limits: Limits): void;
  appsCreate(call: number, limits: Limits, name: string): void;
  appsDelete(call: number, limits: Limits, appId: string): void;
  keysCreate(call: number, limits: Limits, appId: string, name: string): void;
  keysDelete(call: number, limits: Limits, appId: string, keyId: string): void;
  request(
    call: number,
    limits: Limits,
    method: string,
    path: string,
    json?: string,
  ): NativeFailure | null;
  oauthRegister(call: number, limits: Limits): void;
  oauthRequestDeviceCode(call: number, limits: Limits, clientId: string, scopes: string[]): void;
  oauthPollToken(call: number, limits: Limits, clientId: string, deviceCode: string): void;
  oauthRefresh(call: number, limits: Limits, refreshToken: string, clientId?: string): void;
  oauthRevoke(call: number, limits: Limits, refreshToken: string): void;
  startLogin(
    call: number,
    limits: Limits,
    scopes?: string[],
    loginTimeout?: number,
    loginHint?: string,
  ): void;
  resumeLogin(call: number, limits: Limits, record: string): void;
  status(call: number, limits: Limits): void;
  logout(call: number, limits: Limits, all: boolean, organization?: string): void;
  accessToken(call: number, limits: Limits): void;
  apiKey(call: number, limits: Limits): void;
  renewApiKey(call: number, limits: Limits, refused?: string): void;
  organizations(call: number, limits: Limits): void;
  selectOrganization(call: number, limits: Limits, id: string): void;
  settled(call: number): void;
  close(): void;
}

export interface EncryptedStep {
  kind: 'load' | 'replace' | 'record' | 'replaced';
  old?: string;
  new?: string;
  record?: string;
  replaced?: boolean;
}

export interface NativeEncryptedCall {
  start(): EncryptedStep | NativeFailure;
  loaded(record?: string): EncryptedStep | NativeFailure;
  replaced(replaced: boolean): EncryptedStep | NativeFailure;
}

export interface NativeCipher {
  load(): NativeEncryptedCall;
  replace(old?: string, next?: string): NativeEncryptedCall;
}

export interface NativeClientOptions {
  clientName?: string;
  clientId?: string;
  scopes?: string[];
  platformUrl?: string;
  accountUrl?: string;
  timeout?: number;
  deadline?: number;
  maxRetries?: number;
  organization?: string;
  userAgent?: string;
  proxy?: string;
  caBundle?: string;
  firstPollAtOnce?: boolean;
  lockTimeout?: number;
  headers?: string[];
  listener?: { kept: number; requests: boolean };
  extraCaCerts?: string;
  environment?: Record<string, string>;
  hostStore?: { kept: number; cacheFor: number };
  language: string;
  timeScale?: number;
}

interface Native {
  NativeBridge: new (deliver: (messages: unknown[]) => void) => NativeBridge;
  NativeStore: { memory(record?: string): NativeStore; file(path: string): NativeStore };
  openCliStore(): NativeStore | NativeFailure;
  openClient(
    bridge: NativeBridge,
    options: NativeClientOptions,
    store?: NativeStore,
    cipher?: NativeCipher,
  ): NativeClient | NativeFailure;
  openCipher(
    ids: string[],
    keys: Uint8Array[],
    subject: string | undefined,
    acceptPlaintext: boolean,
    inner?: NativeCipher,
  ): NativeCipher | NativeFailure;
  openBrowser(bridge: NativeBridge, call: number, url: string): void;
}

export const native = load() as Native;
