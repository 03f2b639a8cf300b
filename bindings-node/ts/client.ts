import { AppsApi, BalanceApi, KeysApi, OAuthApi } from './api.js';
import { call } from './bridge.js';
import {
  optionalBoolean,
  optionalFunction,
  optionalSignal,
  optionalString,
  optionalStrings,
  optionalTimeout,
  requireOptions,
  requireString,
  secretText,
} from './checks.js';
import { errorFrom, InvalidRequestError } from './errors.js';
import { DeviceLogin, type WaitOptions } from './login.js';
import { type Organization, type Status, status } from './models.js';
import { type NativeLogin, type NativeStatus, native } from './native.js';
import { type AccountClientOptions, openSession } from './options.js';
import type { ApiPromise } from './response.js';
import { Secret, type SecretText } from './secret.js';
import { type CallDefaults, type CallOptions, DEFAULTS, Session, sessionWith } from './session.js';

/** Options of `startLogin`. */
export interface StartLoginOptions {
  /** Instead of the client's scopes. */
  scopes?: readonly string[] | undefined;
  /**
   * How long to wait for the approval, in milliseconds; by default as long as the code is valid.
   */
  timeout?: number | undefined;
  /** Whom the login page should suggest, such as an e-mail address. */
  loginHint?: string | undefined;
  /** Stops the call, which then rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** Options of `login`. */
export interface LoginOptions extends StartLoginOptions {
  /**
   * Shows the code and the link; by default they go to standard error. What it throws or rejects
   * with ends the login and comes out of `login`.
   */
  onPrompt?: ((login: DeviceLogin) => void | PromiseLike<void>) | undefined;
  /** Whether to open the link in the user's browser, where there is one. True by default. */
  openBrowser?: boolean | undefined;
}

/**
 * Logs a user in to Parallel by the device flow and calls the Account API. Cheap to make and
 * safe to share: clients with equal network options share their connections. Nothing is sent, and no
 * login is read, before the first call.
 *
 * ```js
 * const client = new AccountClient({ clientName: 'my-app' });
 * const { loggedIn } = await client.status();
 * if (!loggedIn) await client.login();
 * console.log((await client.balance.get()).creditBalanceCents);
 * ```
 */
export class AccountClient implements AsyncDisposable, Disposable {
  /** The organization's balance. */
  readonly balance: BalanceApi;
  /** The organization's apps. */
  readonly apps: AppsApi;
  /** The API keys of an app. */
  readonly keys: KeysApi;
  /** The OAuth requests one by one. */
  readonly oauth: OAuthApi;
  readonly #session: Session;

  /**
   * @throws {ConfigError} For an option that is unknown, of the wrong type, or insecure.
   */
  constructor(options?: AccountClientOptions);
  /** @internal */
  constructor(options?: AccountClientOptions | Session);
  constructor(options: AccountClientOptions | Session = {}) {
    this.#session = options instanceof Session ? options : openSession(options);
    this.balance = new BalanceApi(this.#session);
    this.apps = new AppsApi(this.#session);
    this.keys = new KeysApi(this.#session);
    this.oauth = new OAuthApi(this.#session);
  }

  /** The same client with other limits and headers. */
  withOptions(options: CallDefaults): AccountClient {
    requireOptions(options, DEFAULTS);
    return clientOf(sessionWith(this.#session, options));
  }

  /**
   * Logs in: registers if needed, shows the prompt, waits, and stores the login. The browser is
   * opened where there is one.
   * @throws {AccountError} `access_denied`, `login_expired`, …
   */
  async login(options: LoginOptions = {}): Promise<Status> {
    const { onPrompt, openBrowser, ...rest } = requireLoginOptions(options);
    const login = await this.#startLogin(rest);
    try {
      const failed = shown(login, onPrompt);
      if (openBrowser !== false) {
        const url = login.verificationUriComplete ?? login.verificationUri;
        await call(rest.signal, (number, bridge) => native.openBrowser(bridge, number, url));
      }
      return await Promise.race([login.wait({ signal: rest.signal }), failed]);
    } catch (error) {
      login.cancel();
      throw error;
    }
  }

  /** Asks for a device code (RFC 8628 §3.1), after registering if needed. */
  async startLogin(options: StartLoginOptions = {}): Promise<DeviceLogin> {
    return await this.#startLogin(requireStartOptions(options, START_OPTIONS));
  }

  async #startLogin({
    scopes,
    timeout,
    loginHint,
    signal,
  }: StartLoginOptions): Promise<DeviceLogin> {
    const login = await this.#session.call<NativeLogin>(
      'startLogin',
      { signal },
      (client, number, limits) =>
        client.startLogin(number, limits, scopes as string[] | undefined, timeout, loginHint),
    );
    return new DeviceLogin(login, this.#session);
  }

  /**
   * Continues a login from its pending record, in this process or another: that of
   * `pendingRecord()`.
   */
  async resumeLogin(record: SecretText, options?: CallOptions): Promise<DeviceLogin> {
    const text = secretText('record', record);
    const login = await this.#session.call<NativeLogin>(
      'resumeLogin',
      options,
      (client, number, limits) => client.resumeLogin(number, limits, text),
    );
    return new DeviceLogin(login, this.#session);
  }

  /** Who is logged in, as the store knows it, without any network. */
  async status(options?: CallOptions): Promise<Status> {
    return status(
      await this.#session.call<NativeStatus>('status', options, (client, number, limits) =>
        client.status(number, limits),
      ),
    );
  }

  /**
   * Revokes the login and forgets it, even if revoking fails. A data key that this library made is
   * deleted, as far as that is possible; the error says so if it could not be.
   * @param options `organization`: Whose login; by default that of the organization that calls act
   *   for. `all`: Every login in the store.
   */
  async logout(
    options?: CallOptions & { all?: boolean | undefined; organization?: string | undefined },
  ): Promise<void> {
    const { all, organization } = options ?? {};
    optionalBoolean('all', all);
    optionalString('organization', organization);
    await this.#session.call(
      'logout',
      options,
      (client, number, limits) => client.logout(number, limits, all ?? false, organization),
      ['all', 'organization'],
    );
  }

  /** An access token that is valid now, for calls that this library does not wrap. */
  async accessToken(options?: CallOptions): Promise<Secret> {
    const token = await this.#session.call<string>(
      'accessToken',
      options,
      (client, number, limits) => client.accessToken(number, limits),
    );
    return new Secret(token);
  }

  /**
   * The organization's key for Parallel's data API and its official SDKs:
   *
   * ```js
   * const parallel = new Parallel({ apiKey: (await client.apiKey()).expose() });
   * ```
   *
   * The stored key, without any network, where there is one; the key of Parallel's own CLI counts.
   * Otherwise a key is made, in the app that is named as the client is, and stored: one, however many
   * processes ask at once.
   * @throws {LoginRequiredError} There is no key, and nobody is logged in to make one.
   * @throws {PermissionDeniedError} The login lacks a scope, which the message names; nothing was
   *   sent. A key needs `apps:read` and `keys:create`, and `apps:create` if there is no such app.
   * @throws {AccountError} With `outcomeUnknown` if the answer to the new key was lost: the message
   *   names the app in which a key may be left behind.
   */
  async apiKey(options?: CallOptions): Promise<Secret> {
    const key = await this.#session.call<string>('apiKey', options, (client, number, limits) =>
      client.apiKey(number, limits),
    );
    return new Secret(key);
  }

  /**
   * Replaces the refused key, or the one that this client gave out last, with a new one: for
   * when Parallel refuses it (401). The new one is stored, and the old key is deleted if this library
   * made it. If another process has replaced the key already, its key is answered.
   * @param options `refused`: the key to replace instead. Whoever names it replaces it once, however
   *   many calls and processes do so at the same time.
   * @throws {AccountError} As {@link AccountClient.apiKey}.
   */
  async renewApiKey(
    options?: CallOptions & { refused?: Secret | string | undefined },
  ): Promise<Secret> {
    const given = options?.refused;
    const refused = given instanceof Secret ? given.expose() : given;
    optionalString('refused', refused);
    const key = await this.#session.call<string>(
      'renewApiKey',
      options,
      (client, number, limits) => client.renewApiKey(number, limits, refused),
      ['refused'],
    );
    return new Secret(key);
  }

  /** Every organization that the store has a login for. */
  async organizations(options?: CallOptions): Promise<Organization[]> {
    return await this.#session.call<Organization[]>(
      'organizations',
      options,
      (client, number, limits) => client.organizations(number, limits),
    );
  }

  /** Acts for this organization from now on; all that share the store follow. */
  async selectOrganization(id: string, options?: CallOptions): Promise<void> {
    requireString('id', id);
    await this.#session.call('selectOrganization', options, (client, number, limits) =>
      client.selectOrganization(number, limits, id),
    );
  }

  /**
   * Any other call below the Account API's base. `withResponse()` gives its status, headers and
   * request ID as well.
   * @param method `GET`, `POST`, …
   * @param path Such as `/service/v1/balance`.
   * @param options `json`: the body.
   * @returns The JSON that was answered; null for none.
   */
  request<T = unknown>(
    method: string,
    path: string,
    options?: CallOptions & { json?: unknown },
  ): ApiPromise<T> {
    let body: string | undefined;
    return this.#session.api<T, { json: string }>(
      'request',
      options,
      (client, number, limits) => {
        const refused = client.request(number, limits, method, path, body);
        if (refused !== null) throw errorFrom(refused);
      },
      {
        more: ['json'],
        check() {
          requireString('method', method);
          requireString('path', path);
          body = jsonText(options?.json);
        },
        convert: ({ json }) => JSON.parse(json) as T,
      },
    );
  }

  /**
   * Waits for what stopped calls left behind: a refresh, a poll, a write or a logout. Await it
   * before `process.exit()`, for a refresh that is cut off may lose the login. A process that ends
   * by itself waits without it, for 5 s at most.
   */
  async settled(options: WaitOptions = {}): Promise<void> {
    requireOptions(options, ['signal']);
    await this.#session.call('settled', options, (client, number) => client.settled(number));
  }

  /**
   * Ends the client: later calls fail, and the stored login stays. Calls in flight continue. The
   * last client of the process that closes ends its connections.
   */
  close(): void {
    this.#session.native.close();
  }

  /** For `await using`: closes, then waits as `settled()` does, for 5 s at most. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    const signal = AbortSignal.timeout(LEAVING);
    try {
      await this.settled({ signal });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** For `using`. */
  [Symbol.dispose](): void {
    this.close();
  }
}

// Outside of the class, which a bundler would rename for the sake of a reference to itself, and that
// name would show in every stack.
function clientOf(session: Session): AccountClient {
  return new AccountClient(session);
}

/** How long to wait for what a client leaves unsaved, in milliseconds. */
const LEAVING = 5_000;

/**
 * Shows the prompt. It may stay open until the login is decided, so only its failure matters: the
 * promise answered rejects with it, and never resolves. Nobody need wait for it.
 */
function shown(login: DeviceLogin, onPrompt: LoginOptions['onPrompt']): Promise<never> {
  if (onPrompt === undefined) process.stderr.write(`${login.promptText.trimEnd()}\n`);
  const prompted = Promise.resolve(onPrompt?.(login));
  const failed = new Promise<never>((_, reject) => {
    prompted.then(undefined, reject);
  });
  failed.catch(() => undefined);
  return failed;
}

const START_OPTIONS = ['scopes', 'timeout', 'loginHint', 'signal'];

function requireStartOptions<T extends StartLoginOptions>(options: T, names: string[]): T {
  requireOptions(options, names);
  const checked: StartLoginOptions = options;
  optionalStrings('scopes', checked.scopes);
  optionalTimeout('timeout', checked.timeout);
  optionalString('loginHint', checked.loginHint);
  optionalSignal(checked.signal);
  return options;
}

function requireLoginOptions(options: LoginOptions): LoginOptions {
  requireStartOptions(options, [...START_OPTIONS, 'onPrompt', 'openBrowser']);
  optionalFunction('onPrompt', options.onPrompt);
  optionalBoolean('openBrowser', options.openBrowser);
  return options;
}

function jsonText(json: unknown): string | undefined {
  if (json === undefined) return undefined;
  let text: string | undefined;
  try {
    text = JSON.stringify(json);
  } catch (cause) {
    const message = `json cannot be written as JSON: ${(cause as Error).message}`;
    throw new InvalidRequestError({ code: 'invalid_request', message, cause });
  }
  if (text === undefined) {
    const message = 'json cannot be written as JSON: it is a function or a symbol';
    throw new InvalidRequestError({ code: 'invalid_request', message });
  }
  return text;
}
