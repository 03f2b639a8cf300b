import { bridge, unwrap } from './bridge.js';
import {
  kindOf,
  optionalBoolean,
  optionalCount,
  optionalString,
  optionalStrings,
  optionalTimeout,
  requireOptions,
} from './checks.js';
import { ConfigError } from './errors.js';
import { registerStore } from './hoststore.js';
import { type NativeClientOptions, type NativeStore, native } from './native.js';
import { Session } from './session.js';
import { type CredentialStore, nativeStoreOf } from './stores.js';

/** Options of a client; all have defaults. Durations are milliseconds. */
export interface AccountClientOptions {
  /** What the approval page calls this program; also names the default store. */
  clientName?: string;
  /** A registration made elsewhere; otherwise the first login registers this installation. */
  clientId?: string;
  /** What logins ask for, such as `['balance:read']`; all scopes unless given. */
  scopes?: readonly string[];
  /** Where the device flow is. Beats the variable `PARALLEL_PLATFORM_URL`. */
  platformUrl?: string;
  /** The Account API's base. Beats the variable `PARALLEL_SERVICE_API_URL`. */
  accountUrl?: string;
  /** Where credentials are kept: a file of this program's own unless given. */
  store?: CredentialStore;
  /** How long one request may take (30,000). */
  timeout?: number;
  /** How often a request is repeated at most, where a repeat is safe (2). */
  maxRetries?: number;
  /** The id of the organisation to act for; otherwise the selected one. */
  org?: string;
  /** Put before this library's own `User-Agent`. */
  userAgent?: string;
  /** The URL of a proxy. Beats `HTTPS_PROXY` and its kin. */
  proxy?: string;
  /** A PEM file of certificates to trust instead of the system's. */
  caBundle?: string;
  /** Poll at once instead of after the first interval. */
  firstPollAtOnce?: boolean;
  /** How long to wait for another process that holds the store's lock. */
  lockTimeout?: number;
  /** How long a method of a store written in JavaScript may take (30,000). */
  storeTimeout?: number;
}

const KNOWN = [
  'clientName',
  'clientId',
  'scopes',
  'platformUrl',
  'accountUrl',
  'store',
  'timeout',
  'maxRetries',
  'org',
  'userAgent',
  'proxy',
  'caBundle',
  'firstPollAtOnce',
  'lockTimeout',
  'storeTimeout',
] as const satisfies (keyof AccountClientOptions)[];

const STORE_TIMEOUT = 30_000;

/** For the scenario tests alone: makes the clock of the client run faster. */
const TIME_SCALE: unique symbol = Symbol.for('parallel-account.time-scale');

/** Checks the options and opens the native client. */
export function openSession(options: AccountClientOptions): Session {
  requireOptions(options, KNOWN, ConfigError);
  for (const name of TEXTS) optionalString(name, options[name], ConfigError);
  optionalStrings('scopes', options.scopes, ConfigError);
  for (const name of ['timeout', 'lockTimeout', 'storeTimeout'] as const) {
    optionalTimeout(name, options[name], ConfigError);
  }
  optionalCount('maxRetries', options.maxRetries, ConfigError);
  optionalBoolean('firstPollAtOnce', options.firstPollAtOnce, ConfigError);
  const { store, storeTimeout = STORE_TIMEOUT, org, ...rest } = options;
  const timeScale = (options as { [TIME_SCALE]?: number })[TIME_SCALE];
  const forwarded = {
    ...rest,
    ...(org === undefined ? {} : { organization: org }),
    ...(timeScale === undefined ? {} : { timeScale }),
    language: runtimeName(),
  } as NativeClientOptions;
  if (store === undefined) return open(forwarded);
  requireStore(store);
  const builtIn = nativeStoreOf(store);
  if (builtIn !== undefined) return open(forwarded, builtIn);
  const hostStore = {
    number: registerStore(store),
    hasLock: typeof store.lock === 'function',
    timeout: storeTimeout,
  };
  return open({ ...forwarded, hostStore }, undefined, store);
}

const TEXTS = [
  'clientName',
  'clientId',
  'platformUrl',
  'accountUrl',
  'org',
  'userAgent',
  'proxy',
  'caBundle',
] as const;

function open(
  options: NativeClientOptions,
  store?: NativeStore,
  hostStore?: CredentialStore,
): Session {
  return new Session(unwrap(native.openClient(bridge(), options, store)), undefined, hostStore);
}

function requireStore(store: unknown): asserts store is CredentialStore {
  const methods = typeof store === 'object' && store !== null ? store : {};
  for (const method of ['load', 'save', 'delete']) {
    if (typeof (methods as Record<string, unknown>)[method] !== 'function') {
      throw new ConfigError({
        code: 'config',
        message:
          typeof store === 'object' && store !== null
            ? `The store has no method ${method}(); it needs load, save and delete`
            : `store must be an object with load, save and delete, not ${kindOf(store)}`,
      });
    }
  }
}

function runtimeName(): string {
  const { bun, deno, node } = process.versions;
  if (bun !== undefined) return `bun/${bun}`;
  return deno === undefined ? `node/${node}` : `deno/${deno}`;
}
