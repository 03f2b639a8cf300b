import { join, resolve } from 'node:path';
import type { AccountClient, AccountClientOptions } from 'parallel-account';
import { control } from './control.js';
import { type Addresses, SandboxProcess } from './process.js';
import { SandboxError } from './program.js';
import {
  type AppState,
  type Counts,
  type DeviceCodeState,
  type Fault,
  fromProgram,
  type KeyState,
  type OrganizationChange,
  type OrganizationState,
  programOptions,
  type ReceivedRequest,
  type SandboxOptions,
  toProgram,
} from './shapes.js';

/** How long to wait for a login of which nothing is known yet. */
const WAIT = 10_000;

/** Options of a sandbox that starts. */
export interface StartOptions extends SandboxOptions {
  /** TCP port on 127.0.0.1; any free one unless given. */
  port?: number | undefined;
}

/** A login by what its user types: `DeviceLogin` of `parallel-account`, or the code itself. */
export type PendingLogin = string | { readonly userCode: string };

/** How long to wait for a login. */
export interface WaitOptions {
  /** Milliseconds; 10,000 if no login is named, otherwise 0. */
  wait?: number | undefined;
}

/** Whose login it becomes. */
export interface LoginOptions {
  /** The organization; one that is new is created. By default `org_sandbox`. */
  orgId?: string | undefined;
  /** Its name from now on. */
  orgName?: string | undefined;
  /** Grant only these. By default everything that was asked for. */
  scopes?: readonly string[] | undefined;
}

/** Options of an approval. */
export interface ApproveOptions extends LoginOptions, WaitOptions {}

/**
 * Starts a sandbox, which ends with `stop()`, at the end of `await using`, or with this process. An
 * idle one keeps the process alive no longer.
 * @param options How it behaves; `interval` is 1000 unless given.
 * @throws {SandboxError} It could not be started, for example because the port is in use.
 */
export async function startSandbox(options: StartOptions = {}): Promise<AccountSandbox> {
  const { port = 0, ...rest } = options;
  const args = ['--port', String(port)];
  for (const [name, value] of Object.entries(programOptions({ interval: 1000, ...rest }))) {
    if (value !== null) args.push(`--${name.replaceAll('_', '-')}=${value}`);
  }
  return new AccountSandbox(...(await SandboxProcess.start(args)));
}

/**
 * A running sandbox; {@link startSandbox} starts one. Its methods reject with a {@link SandboxError} if
 * the sandbox refuses what it is asked, or has ended.
 */
export class AccountSandbox implements AsyncDisposable {
  /** Base of the device flow. */
  readonly platformUrl: string;
  /** Base of the Account API. */
  readonly accountUrl: string;
  /** Base of the data API, for the SDKs' `baseURL`. */
  readonly dataUrl: string;
  /** Base of the control surface; `/openapi.json` below it describes it. */
  readonly controlUrl: string;
  /** The ID of its process. */
  readonly pid: number;
  readonly #process: SandboxProcess;

  /** @internal */
  constructor(process: SandboxProcess, addresses: Addresses) {
    this.#process = process;
    this.platformUrl = addresses.platform_url;
    this.accountUrl = addresses.account_url;
    this.dataUrl = addresses.data_url;
    this.controlUrl = addresses.control_url;
    this.pid = addresses.pid;
  }

  /** Ends it. Can be called again. */
  async stop(): Promise<void> {
    await this.#process.stop();
  }

  /** As `stop()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /**
   * Environment variables by which programs find this sandbox instead of Parallel.
   * @param options `home`: the home folder, in which a client without `store` keeps its login. Without
   *   it, such clients throw a `ConfigError`, so that no test uses the login of whoever runs it.
   */
  environment(options: { home?: string | undefined } = {}): Record<string, string> {
    const variables = {
      PARALLEL_PLATFORM_URL: this.platformUrl,
      PARALLEL_SERVICE_API_URL: this.accountUrl,
      PARALLEL_BASE_URL: this.dataUrl,
      PARALLEL_API_URL: this.dataUrl,
    };
    if (options.home === undefined) return { ...variables, PARALLEL_ACCOUNT_REQUIRE_STORE: '1' };
    const home = resolve(options.home);
    return {
      ...variables,
      PARALLEL_ACCOUNT_REQUIRE_STORE: '0',
      HOME: home,
      USERPROFILE: home,
      XDG_CONFIG_HOME: join(home, '.config'),
      APPDATA: join(home, 'AppData', 'Roaming'),
    };
  }

  /**
   * A client of this sandbox that is not logged in.
   * @param options Of `AccountClient`. By default the login is kept in memory, nothing is retried, and
   *   the first poll of a login is sent at once.
   */
  client(options: AccountClientOptions = {}): AccountClient {
    const { AccountClient, MemoryStore } = library();
    return new AccountClient({
      clientName: 'tests',
      platformUrl: this.platformUrl,
      accountUrl: this.accountUrl,
      maxRetries: 0,
      firstPollAtOnce: true,
      ...options,
      store: options.store ?? new MemoryStore(),
    });
  }

  /** A client of this sandbox that is logged in; options as for {@link client}. */
  async loggedInClient(options: AccountClientOptions = {}): Promise<AccountClient> {
    const { MemoryStore } = library();
    return this.client({ store: new MemoryStore(await this.loginRecord()), ...options });
  }

  /**
   * Logs a new user in, and returns the record: what a store keeps of a login. A store that starts with
   * it is logged in: `new MemoryStore(record)`, or `store.replace(null, record)`.
   */
  async loginRecord(options: LoginOptions = {}): Promise<string> {
    const store = new (library().MemoryStore)();
    const client = this.client({ store });
    try {
      const login = await client.startLogin();
      await this.approve(login, options);
      await login.wait();
      return (await store.load()) ?? '';
    } finally {
      client.close();
    }
  }

  /**
   * Approves a login, as its user would.
   * @param login By default the newest pending one, also one that another process starts only now.
   */
  async approve(login?: PendingLogin, options: ApproveOptions = {}): Promise<void> {
    await this.#decide('/approve', login, options);
  }

  /** Denies a login, as its user would; `login` as for {@link approve}. */
  async deny(login?: PendingLogin, options: WaitOptions = {}): Promise<void> {
    await this.#decide('/deny', login, options);
  }

  /** Has the code of a login expire; `login` as for {@link approve}. */
  async expireDeviceCode(login?: PendingLogin, options: WaitOptions = {}): Promise<void> {
    await this.#decide('/expire-device-code', login, options);
  }

  async #decide(
    path: string,
    login: PendingLogin | undefined,
    { wait = login === undefined ? WAIT : 0, ...more }: ApproveOptions,
  ): Promise<void> {
    const userCode = typeof login === 'object' ? login.userCode : login;
    const body = toProgram({ ...more, userCode, wait: wait / 1000 });
    await this.control('POST', path, body);
  }

  /**
   * Has access tokens expire.
   * @param token By default all.
   * @returns How many.
   */
  async expireAccessTokens(token?: string): Promise<number> {
    const body = toProgram({ token });
    return (await this.control<{ expired: number }>('POST', '/expire-access-token', body)).expired;
  }

  /**
   * Ends grants, as Parallel does when a user withdraws access: refreshing is refused. Access tokens
   * that are out live until they expire; {@link expireAccessTokens} ends them.
   * @param refreshToken Whose grant; by default all.
   * @returns How many grants.
   */
  async revoke(refreshToken?: string): Promise<number> {
    const body = toProgram({ token: refreshToken });
    return (await this.control<{ revoked: number }>('POST', '/revoke-family', body)).revoked;
  }

  /** Sets the credit balance of an organization, by default `org_sandbox`. */
  async setBalance(cents: number, orgId?: string): Promise<void> {
    await this.setOrganization({ creditBalanceCents: cents }, orgId);
  }

  /** Has the card declined from now on: `balance.add` rejects with `PaymentRequiredError`. */
  async declineCard(declined = true, orgId?: string): Promise<void> {
    await this.setOrganization({ cardDeclined: declined }, orgId);
  }

  /** Changes an organization, by default `org_sandbox`, or creates one. */
  async setOrganization(changes: OrganizationChange, orgId?: string): Promise<void> {
    await this.control('POST', '/organizations', toProgram({ ...changes, orgId }));
  }

  /** Every organization. */
  async organizations(): Promise<OrganizationState[]> {
    const answer = await this.#list('/organizations', 'organizations');
    return answer.map((values) => {
      const organization = fromProgram<OrganizationState>(values);
      const apps = organization.apps.map((app) => fromProgram<AppState>(app));
      return { ...organization, apps };
    });
  }

  /** Creates an app, also a second one of that name. Resolves to its ID. */
  async createApp(appName: string, orgId?: string): Promise<string> {
    const body = toProgram({ appName, orgId });
    return (await this.control<{ app_id: string }>('POST', '/apps', body)).app_id;
  }

  /** Deletes an app with its keys, as somebody else would. */
  async deleteApp(appId: string): Promise<void> {
    await this.control('POST', '/delete-app', { app_id: appId });
  }

  /** Every key that is alive. */
  async keys(): Promise<KeyState[]> {
    return (await this.#list('/keys', 'keys')).map((key) => fromProgram<KeyState>(key));
  }

  /**
   * Deletes keys.
   * @param key The key itself or its ID; by default all.
   * @returns How many.
   */
  async deleteKeys(key?: string): Promise<number> {
    const body = toProgram({ key });
    return (await this.control<{ deleted: number }>('POST', '/delete-key', body)).deleted;
  }

  /**
   * Has the next requests of a route go wrong, one unless `times` says otherwise.
   *
   * ```js
   * await sandbox.fault('balance.get', { status: 503, headers: { 'retry-after': '1' } });
   * ```
   * @param route `register`, `device_code`, `token.poll`, `token.refresh`, `revoke`, `balance.get`,
   *   `balance.add`, `apps.list`, `apps.create`, `apps.delete`, `keys.create`, `keys.delete`, `search`,
   *   `tasks.create`, `tasks.retrieve`, `tasks.result`, `page`; the part before a dot for a group; `*`
   *   for all.
   */
  async fault(route: string, fault: Fault): Promise<void> {
    await this.control('POST', '/faults', toProgram({ ...fault, route }));
  }

  /** Has every connection reset before its request has an effect, until {@link clearFaults}. */
  async breakNetwork(route = '*'): Promise<void> {
    await this.fault(route, { reset: 'before', times: Number.MAX_SAFE_INTEGER });
  }

  /** Has nothing go wrong any more. */
  async clearFaults(): Promise<void> {
    await this.control('DELETE', '/faults');
  }

  /**
   * The last 20,000 requests since the last reset, oldest first.
   * @param route Only those of this route or group; see {@link fault}.
   * @param since Only those from this number on.
   */
  async requests(route = '*', since = 0): Promise<ReceivedRequest[]> {
    const query = new URLSearchParams({ route, since: String(since) });
    const answer = await this.#list(`/requests?${query}`, 'requests');
    return answer.map((request) => fromProgram<ReceivedRequest>(request));
  }

  /** How many requests came, by route, and what became of grants. */
  async counts(): Promise<Counts> {
    return fromProgram<Counts>(await this.control<object>('GET', '/counts'));
  }

  /** Every device code. */
  async deviceCodes(): Promise<DeviceCodeState[]> {
    const answer = await this.#list('/device-codes', 'device_codes');
    return answer.map((code) => fromProgram<DeviceCodeState>(code));
  }

  /** Changes options until the next reset, for what is made from now on. */
  async setOptions(options: SandboxOptions): Promise<void> {
    await this.control('POST', '/options', programOptions(options));
  }

  /** Back to the state of the start: no logins, no faults, no requests. */
  async reset(): Promise<void> {
    await this.control('POST', '/reset');
  }

  /**
   * A call of the control surface, and its answer, in the words of `openapi.json`.
   * @param path Below `controlUrl`, such as `/approve`.
   */
  async control<T = unknown>(method: string, path: string, body?: unknown): Promise<T> {
    try {
      return await control<T>(this.controlUrl, method, path, body);
    } catch (error) {
      if (error instanceof SandboxError) throw error;
      throw await this.#process.problem(error as Error);
    }
  }

  async #list(path: string, field: string): Promise<object[]> {
    return (await this.control<Record<string, object[]>>('GET', path))[field] ?? [];
  }
}

function library(): typeof import('parallel-account') {
  try {
    return require('parallel-account');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw cause;
    throw new SandboxError(
      'Clients need the package parallel-account, which is not installed here: ' +
        'npm install parallel-account',
      { cause },
    );
  }
}
