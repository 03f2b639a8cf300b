import { type AccountError, errorFrom } from './errors.js';
import type {
  NativeApiKey,
  NativeDeviceCode,
  NativeEvent,
  NativePollAnswer,
  NativeStatus,
  NativeTokens,
} from './native.js';
import { Secret } from './secret.js';

/** What an organisation has. Amounts are cents and may be fractional. */
export interface Balance {
  readonly orgId: string;
  readonly creditBalanceCents: number;
  /** Used but not yet taken off. */
  readonly pendingDebitBalanceCents: number;
  /** Billed by invoice: then both amounts are 0. */
  readonly willInvoice: boolean;
}

/** An app, to which API keys belong. */
export interface App {
  readonly appId: string;
  readonly appName: string;
  readonly orgId?: string;
  readonly orgName?: string;
}

/** An app just made. */
export interface CreatedApp {
  readonly appId: string;
}

/** An API key just made. */
export interface ApiKey {
  readonly apiKeyId: string;
  readonly apiKeyName: string;
  readonly appId: string;
  readonly appName?: string;
  readonly createdByUserId?: string;
  readonly createdByUserEmail?: string;
  /** What lists show instead of the key. */
  readonly displayValue?: string;
  /** The key itself. This is the only time that the service sends it. */
  readonly rawApiKey?: Secret;
  readonly createdAt?: Date;
}

/** An organisation with a login in the store. */
export interface Organization {
  readonly id: string;
  readonly name?: string;
  /** Whether clients act for it that name none. */
  readonly selected: boolean;
  readonly loggedIn: boolean;
}

/** Who is logged in. */
export interface Status {
  readonly loggedIn: boolean;
  readonly organization?: Organization;
  /** What the login may do, such as `balance:read`. */
  readonly scopes: readonly string[];
  /** It is renewed by itself. */
  readonly accessTokenExpiresAt?: Date;
  readonly refreshTokenExpiresAt?: Date;
  /** The end of the grant: from then on only a new login helps. */
  readonly authorizationExpiresAt?: Date;
  readonly clientId?: string;
  /** Where the credentials are, for people. */
  readonly store: string;
  /** What is wrong with the stored login, if anything is. */
  readonly problem?: string;
}

/** The answer to a device authorization request (RFC 8628 §3.2). Durations are milliseconds. */
export interface DeviceCode {
  readonly deviceCode: Secret;
  readonly userCode: string;
  readonly verificationUri: string;
  readonly verificationUriComplete?: string;
  readonly expiresIn: number;
  readonly interval: number;
}

/** The answer of the token endpoint (RFC 6749 §5.1). Durations are milliseconds. */
export interface Tokens {
  readonly accessToken: Secret;
  readonly refreshToken?: Secret;
  readonly tokenType: string;
  readonly expiresIn?: number;
  readonly scopes?: readonly string[];
  readonly orgId?: string;
  readonly orgName?: string;
  readonly refreshTokenExpiresIn?: number;
  readonly authorizationExpiresIn?: number;
}

/** What one poll came to; a refusal is an error instead. */
export type PollAnswer =
  | { readonly state: 'pending' }
  | { readonly state: 'slow_down' }
  | { readonly state: 'tokens'; readonly tokens: Tokens };

/** What happened at a poll of a login. Durations are milliseconds. */
export type LoginEvent =
  | { readonly type: 'pending'; readonly retryIn: number }
  | { readonly type: 'slow_down'; readonly interval: number; readonly retryIn: number }
  | { readonly type: 'offline'; readonly error: AccountError; readonly retryIn: number }
  | { readonly type: 'authorized'; readonly status: Status };

/** The verification address as a QR code. */
export interface QrCode {
  /** For a terminal. */
  readonly text: string;
  /** An SVG document. */
  readonly svg: string;
}

function date(milliseconds: number | undefined): Date | undefined {
  return milliseconds === undefined ? undefined : new Date(milliseconds);
}

/** Without the fields that are not known, so that a printed model shows what there is. */
function known<T extends object>(fields: { [Name in keyof T]: T[Name] | undefined }): T {
  for (const name of Object.keys(fields) as (keyof T)[]) {
    if (fields[name] === undefined) delete fields[name];
  }
  return fields as T;
}

export function apiKey({ rawApiKey, createdAt, ...rest }: NativeApiKey): ApiKey {
  return known<ApiKey>({
    ...rest,
    rawApiKey: rawApiKey === undefined ? undefined : new Secret(rawApiKey),
    createdAt: date(createdAt),
  } as ApiKey);
}

export function status(native: NativeStatus): Status {
  return known<Status>({
    ...native,
    accessTokenExpiresAt: date(native.accessTokenExpiresAt),
    refreshTokenExpiresAt: date(native.refreshTokenExpiresAt),
    authorizationExpiresAt: date(native.authorizationExpiresAt),
  } as Status);
}

export function deviceCode({ deviceCode, ...rest }: NativeDeviceCode): DeviceCode {
  return known<DeviceCode>({ deviceCode: new Secret(deviceCode), ...rest });
}

export function tokens({ accessToken, refreshToken, ...rest }: NativeTokens): Tokens {
  return known<Tokens>({
    accessToken: new Secret(accessToken),
    refreshToken: refreshToken === undefined ? undefined : new Secret(refreshToken),
    ...rest,
  } as Tokens);
}

export function pollAnswer(native: NativePollAnswer): PollAnswer {
  if (native.state !== 'tokens') return { state: native.state };
  return { state: native.state, tokens: tokens(native.tokens as NativeTokens) };
}

export function loginEvent({ type, retryIn, interval, error, ...rest }: NativeEvent): LoginEvent {
  const soon = retryIn ?? 0;
  switch (type) {
    case 'pending':
      return { type, retryIn: soon };
    case 'slow_down':
      return { type, interval: interval ?? 0, retryIn: soon };
    case 'offline':
      return { type, error: errorFrom(error as NonNullable<typeof error>), retryIn: soon };
    case 'authorized':
      return { type, status: status(rest.status as NativeStatus) };
  }
}
