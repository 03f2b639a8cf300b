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
  type CreatedApp,
  type DeviceCode,
  deviceCode,
  type PollAnswer,
  pollAnswer,
  type Tokens,
  tokens,
} from './models.js';
import type { NativeApiKey, NativeDeviceCode, NativePollAnswer, NativeTokens } from './native.js';
import type { SecretText } from './secret.js';
import type { CallOptions, Session } from './session.js';

/** The organisation's balance. */
export class BalanceApi {
  readonly #session: Session;

  /** @internal */
  constructor(session: Session) {
    this.#session = session;
  }

  /**
   * Reads the balance. Scope `balance:read`.
   * @throws {AccountError} `login_required`, `permission_denied`, …
   */
  async get(options?: CallOptions): Promise<Balance> {
    return await this.#session.call<Balance>(options, (client, call, limits) =>
      client.balanceGet(call, limits),
    );
  }

  /**
   * Charges the organisation's default payment method. Scope `balance:add`.
   * @param amountCents 1 to 10000.
   * @param options `idempotencyKey` (8 to 128 characters): calls with the same key charge once
   *   within 24 hours; one is made up for each call without.
   * @throws {AccountError} `payment_required` when the card is declined, `invalid_request`, …
   */
  async add(
    amountCents: number,
    options?: CallOptions & { idempotencyKey?: string | undefined },
  ): Promise<Balance> {
    requireCents('amountCents', amountCents);
    const key = options?.idempotencyKey;
    optionalString('idempotencyKey', key);
    return await this.#session.call<Balance>(
      options,
      (client, call, limits) => client.balanceAdd(call, limits, amountCents, key),
      ['idempotencyKey'],
    );
  }
}

/** The organisation's apps. */
export class AppsApi {
  readonly #session: Session;

  /** @internal */
  constructor(session: Session) {
    this.#session = session;
  }

  /** All apps. Scope `apps:read`. */
  async list(options?: CallOptions): Promise<App[]> {
    return await this.#session.call<App[]>(options, (client, call, limits) =>
      client.appsList(call, limits),
    );
  }

  /**
   * Makes an app. Scope `apps:create`. Not repeated by itself when no answer came: the error's
   * `outcomeUnknown` then says that the app may exist.
   */
  async create(name: string, options?: CallOptions): Promise<CreatedApp> {
    requireString('name', name);
    const appId = await this.#session.call<string>(options, (client, call, limits) =>
      client.appsCreate(call, limits, name),
    );
    return { appId };
  }

  /** Deletes an app with its keys. Scope `apps:delete`. */
  async delete(appId: string, options?: CallOptions): Promise<void> {
    requireString('appId', appId);
    await this.#session.call(options, (client, call, limits) =>
      client.appsDelete(call, limits, appId),
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
   * Makes a key. Scope `keys:create`. `rawApiKey` of the answer is the only copy there will be.
   * Not repeated by itself when no answer came.
   */
  async create(appId: string, name: string, options?: CallOptions): Promise<ApiKey> {
    requireString('appId', appId);
    requireString('name', name);
    const key = await this.#session.call<NativeApiKey>(options, (client, call, limits) =>
      client.keysCreate(call, limits, appId, name),
    );
    return apiKey(key);
  }

  /** Deletes a key. Scope `keys:delete`. */
  async delete(appId: string, keyId: string, options?: CallOptions): Promise<void> {
    requireString('appId', appId);
    requireString('keyId', keyId);
    await this.#session.call(options, (client, call, limits) =>
      client.keysDelete(call, limits, appId, keyId),
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

  /** Registers this installation; keep the `clientId`. */
  async register(options?: CallOptions): Promise<{ clientId: string }> {
    const clientId = await this.#session.call<string>(options, (client, call, limits) =>
      client.oauthRegister(call, limits),
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
    const code = await this.#session.call<NativeDeviceCode>(options, (client, call, limits) =>
      client.oauthRequestDeviceCode(call, limits, clientId, scopes as string[]),
    );
    return deviceCode(code);
  }

  /** Polls once, at once (RFC 8628 §3.4). */
  async pollToken(
    clientId: string,
    deviceCode: SecretText,
    options?: CallOptions,
  ): Promise<PollAnswer> {
    requireString('clientId', clientId);
    const code = secretText('deviceCode', deviceCode);
    const answer = await this.#session.call<NativePollAnswer>(options, (client, call, limits) =>
      client.oauthPollToken(call, limits, clientId, code),
    );
    return pollAnswer(answer);
  }

  /** Trades a refresh token for new tokens (RFC 6749 §6); the old one is used up. */
  async refresh(
    refreshToken: SecretText,
    options?: CallOptions & { clientId?: string | undefined },
  ): Promise<Tokens> {
    const token = secretText('refreshToken', refreshToken);
    const clientId = options?.clientId;
    optionalString('clientId', clientId);
    const answer = await this.#session.call<NativeTokens>(
      options,
      (client, call, limits) => client.oauthRefresh(call, limits, token, clientId),
      ['clientId'],
    );
    return tokens(answer);
  }

  /** Revokes a refresh token. Access tokens that are out live until they expire. */
  async revoke(refreshToken: SecretText, options?: CallOptions): Promise<void> {
    const token = secretText('refreshToken', refreshToken);
    await this.#session.call(options, (client, call, limits) =>
      client.oauthRevoke(call, limits, token),
    );
  }
}
