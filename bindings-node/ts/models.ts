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
  /** The organisation that it is of. */
  readonly orgId: string;
  /** Paid and not used up. */
  readonly creditBalanceCents: number;
  /** Used but not yet taken off. */
  readonly pendingDebitBalanceCents: number;
  /** Billed by invoice: then both amounts are 0. */
  readonly willInvoice: boolean;
}

/** An app, to which API keys belong. */
export interface App {
  /** A UUID; what keys are made under. */
  readonly appId: string;
  /** As it was named when it was made. */
  readonly appName: string;
  /** The organisation that it belongs to, where the service says so. */
  readonly orgId?: string;
  /** Its name. */
  readonly orgName?: string;
}

/** An API key just made. */
export interface ApiKey {
  /** What `keys.delete` takes. */
  readonly apiKeyId: string;
  /** As it was named when it was made. */
  readonly apiKeyName: string;
  /** The app that it belongs to. */
  readonly appId: string;
  /** Its name. */
  readonly appName?: string;
  /** Who was logged in when it was made. */
  readonly createdByUserId?: string;
  /** Their e-mail address. */
  readonly createdByUserEmail?: string;
  /** What lists show instead of the key. */
  readonly displayValue?: string;
  /** The key itself. This is the only time that the service sends it. */
  readonly rawApiKey?: Secret;
  /** When it was made, by the service's clock. */
  readonly createdAt?: Date;
}

/** An organisation with a login in the store. */
export interface Organization {
  /** What `selectOrganization` takes. */
  readonly id: string;
  /** For people. */
  readonly name?: string;
  /** Whether clients act for it that name none. */
  readonly selected: boolean;
  /** Whether calls can be made for it without a new login. */
  readonly loggedIn: boolean;
}

/** Who is logged in. */
export interface Status {
  /** Whether calls can be made without a new login. */
  readonly loggedIn: boolean;
  /** The one that calls act for. */
  readonly organization?: Organization;
  /** What the login may do, such as `balance:read`. */
  readonly scopes: readonly string[];
  /** It is renewed by itself. */
  readonly accessTokenExpiresAt?: Date;
  /** Unless it is used before: each refresh brings a new one. */
  readonly refreshTokenExpiresAt?: Date;
  /** The end of the grant: from then on only a new login helps. */
  readonly authorizationExpiresAt?: Date;
  /** What this installation is registered as. */
  readonly clientId?: string;
  /** Where the credentials are, for people. */
  readonly store: string;
  /** What is wrong with the stored login, if anything is. */
  readonly problem?: string;
}

/** The answer to a device authorization request (RFC 8628 §3.2). Durations are milliseconds. */
export interface DeviceCode {
  /** What polls are made with. */
  readonly deviceCode: Secret;
  /** What the person types. */
  readonly userCode: string;
  /** Where the person types it. */
  readonly verificationUri: string;
  /** The same with the code in it. */
  readonly verificationUriComplete?: string;
  /** How long both codes live. */
  readonly expiresIn: number;
  /** How long to wait between polls. */
  readonly interval: number;
}

/** The answer of the token endpoint (RFC 6749 §5.1). Durations are milliseconds. */
export interface Tokens {
  /** For the Account API's `Authorization: Bearer`. */
  readonly accessToken: Secret;
  /** Works once; without one the old one stays valid. */
  readonly refreshToken?: Secret;
  /** `Bearer`, in any case. */
  readonly tokenType: string;
  /** How long the access token lives; unknown where the service does not say. */
  readonly expiresIn?: number;
  /** What was granted; unchanged where the service does not say. */
  readonly scopes?: readonly string[];
  /** The organisation that the person chose. */
  readonly orgId?: string;
  /** Its name. */
  readonly orgName?: string;
  /** How long the refresh token lives. */
  readonly refreshTokenExpiresIn?: number;
  /** The end of the grant, after which no refresh works. */
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
