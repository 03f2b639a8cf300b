import {
  optionalString,
  requireCents,
  requireString,
  requireStrings,
  secretText,
} from './checks.js';
import {
  type ApiKey,
  type App,
  apiKey,
  type Balance,
  type DeviceCode,
  deviceCode,
  type PollAnswer,
  pollAnswer,
  type Tokens,
  tokens,
} from './models.js';
import type { NativeApiKey, NativeDeviceCode, NativePollAnswer, NativeTokens } from './native.js';
import type { ApiPromise } from './response.js';
import type { SecretText } from './secret.js';
import type { CallOptions, Session } from './session.js';

/** What a deletion answers is no part of the interface. */
function nothing(): void {}

/** The organization's balance. */
export class BalanceApi {
  readonly #session: Session;

  /** @internal */
  constructor(session: Session) {
    this.#session = session;
  }

  /**
   * The balance now. Scope `balance:read`.
   * @throws {AccountError} `login_required`, `permission_denied`, …
   */
  get(options?: CallOptions): ApiPromise<Balance> {
    return this.#session.api<Balance>('balance.get', options, (client, call, limits) =>
      client.balanceGet(call, limits),
    );
  }

  /**
   * Charges the organization's default payment method. Scope `balance:add`.
   * @param amountCents US cents, from 1 to 10000.
   * @param options `idempotencyKey` (8 to 128 characters): calls with the same key charge once
   *   within 24 hours; one is made up for each call without.
   * @throws {AccountError} `payment_required` when the card is declined, `invalid_request`, …
   */
  add(
    amountCents: number,
    options?: CallOptions & { idempotencyKey?: string | undefined },
  ): ApiPromise<Balance> {
    let key: string | undefined;
    return this.#session.api<Balance>(
      'balance.add',
      options,
      (client, call, limits) => client.balanceAdd(call, limits, amountCents, key),
      {
        check: () => {
          requireCents('amountCents', amountCents);
          key = options?.idempotencyKey;
          optionalString('idempotencyKey', key);
        },
        more: ['idempotencyKey'],
      },
    );
  }
}

/** The organization's apps. */
export class AppsApi {
  readonly #session: Session;

  /** @internal */
  constructor(session: Session) {
    this.#session = session;
  }

  /** Every app of the organization. Scope `apps:read`. */
  list(options?: CallOptions): ApiPromise<App[]> {
    return this.#session.api<App[]>('apps.list', options, (client, call, limits) =>
      client.appsList(call, limits),
    );
  }

  /**
   * Makes an app. Scope `apps:create`. The service answers its ID; the name is the one that was
   * sent. Not repeated by itself when no answer came: the error's `outcomeUnknown` then says that
   * the app may exist.
   */
  create(name: string, options?: CallOptions): ApiPromise<App> {
    return this.#session.api<App>(
      'apps.create',
      options,
      (client, call, limits) => client.appsCreate(call, limits, name),
      { check: () => requireString('name', name) },
    );
  }

  /** Deletes an app. Scope `apps:delete`. Its keys go with it. */
  delete(appId: string, options?: CallOptions): ApiPromise<void> {
    return this.#session.api<void, unknown>(
      'apps.delete',
      options,
      (client, call, limits) => client.appsDelete(call, limits, appId),
      { check: () => requireString('appId', appId), convert: nothing },
    );
  }
}

/** The API keys of an app. The service has no way to list them. */
export class KeysApi {
  readonly #session: Session;

  /** @internal */
  constructor(session: Session) {
    this.#session = session;
  }

  /**
   * Makes an API key. Scope `keys:create`. `rawApiKey` of the answer is the only copy there will
   * be. Not repeated by itself when no answer came.
   */
  create(appId: string, name: string, options?: CallOptions): ApiPromise<ApiKey> {
    return this.#session.api<ApiKey, NativeApiKey>(
      'keys.create',
      options,
      (client, call, limits) => client.keysCreate(call, limits, appId, name),
      {
        check: () => {
          requireString('appId', appId);
          requireString('name', name);
        },
        convert: apiKey,
      },
    );
  }

  /** Deletes an API key. Scope `keys:delete`. */
  delete(appId: string, keyId: string, options?: CallOptions): ApiPromise<void> {
    return this.#session.api<void, unknown>(
      'keys.delete',
      options,
      (client, call, limits) => client.keysDelete(call, limits, appId, keyId),
      {
        check: () => {
          requireString('appId', appId);
          requireString('keyId', keyId);
        },
        convert: nothing,
      },
    );
  }
}

/** The documented OAuth requests one by one, without any storage, for a flow of your own. */
export class OAuthApi {
  readonly #session: Session;

  /** @internal */
  constructor(session: Session) {
    this.#session = session;
  }

  /** Registers this installation; keep the client ID. */
  async register(options?: CallOptions): Promise<{ clientId: string }> {
    const clientId = await this.#session.call<string>(
      'oauth.register',
      options,
      (client, call, limits) => client.oauthRegister(call, limits),
    );
    return { clientId };
  }

  /** Asks for a device code (RFC 8628 §3.1). */
  async requestDeviceCode(
    clientId: string,
    scopes: readonly string[],
    options?: CallOptions,
  ): Promise<DeviceCode> {
    requireString('clientId', clientId);
    requireStrings('scopes', scopes);
    const code = await this.#session.call<NativeDeviceCode>(
      'oauth.requestDeviceCode',
      options,
      (client, call, limits) =>
        client.oauthRequestDeviceCode(call, limits, clientId, scopes as string[]),
    );
    return deviceCode(code);
  }

  /** Polls once, without waiting (RFC 8628 §3.4). */
  async pollToken(
    clientId: string,
    deviceCode: SecretText,
    options?: CallOptions,
  ): Promise<PollAnswer> {
    requireString('clientId', clientId);
    const code = secretText('deviceCode', deviceCode);
    const answer = await this.#session.call<NativePollAnswer>(
      'oauth.pollToken',
      options,
      (client, call, limits) => client.oauthPollToken(call, limits, clientId, code),
    );
    return pollAnswer(answer);
  }

  /** Trades a refresh token, which usually works once, for new tokens (RFC 6749 §6). */
  async refresh(
    refreshToken: SecretText,
    options?: CallOptions & { clientId?: string | undefined },
  ): Promise<Tokens> {
    const token = secretText('refreshToken', refreshToken);
    const clientId = options?.clientId;
    optionalString('clientId', clientId);
    const answer = await this.#session.call<NativeTokens>(
      'oauth.refresh',
      options,
      (client, call, limits) => client.oauthRefresh(call, limits, token, clientId),
      ['clientId'],
    );
    return tokens(answer);
  }

  /** Revokes a refresh token; access tokens already out live until they expire. */
  async revoke(refreshToken: SecretText, options?: CallOptions): Promise<void> {
    const token = secretText('refreshToken', refreshToken);
    await this.#session.call('oauth.revoke', options, (client, call, limits) =>
      client.oauthRevoke(call, limits, token),
    );
  }
}
