import { bridge, unwrap } from './bridge.js';
import {
  optionalBoolean,
  optionalCount,
  optionalString,
  optionalStrings,
  optionalTimeout,
  requireOptions,
} from './checks.js';
import type { CredentialStore } from './credentialstore.js';
import { unwrapped } from './encryptedstore.js';
import { ConfigError } from './errors.js';
import { HostStore } from './hoststore.js';
import { type NativeCipher, type NativeClientOptions, type NativeStore, native } from './native.js';
import { requireStore } from './requirestore.js';
import { Session } from './session.js';
import { nativeStoreOf } from './stores.js';

/** Options of a client; all have defaults. Durations are milliseconds. */
export interface AccountClientOptions {
  /** What the approval page calls this program; also names the default store. */
  clientName?: string | undefined;
  /** A registration made elsewhere; otherwise the first login registers this installation. */
  clientId?: string | undefined;
  /** What logins ask for, such as `['balance:read']`; all scopes unless given. */
  scopes?: readonly string[] | undefined;
  /** Where the device flow is. Beats the variable `PARALLEL_PLATFORM_URL`. */
  platformUrl?: string | undefined;
  /** The Account API's base. Beats the variable `PARALLEL_SERVICE_API_URL`. */
  accountUrl?: string | undefined;
  /** Where credentials are kept: a file of this program's own unless given. */
  store?: CredentialStore | undefined;
  /** How long one request may take (30,000). */
  timeout?: number | undefined;
  /**
   * How long a call as a whole may take, retries, a refresh of the tokens and all waiting
   * included; no limit unless given.
   */
  deadline?: number | undefined;
  /** How often a request is repeated at most, where a repeat is safe (2). */
  maxRetries?: number | undefined;
  /** The id of the organisation to act for; otherwise the selected one. */
  org?: string | undefined;
  /** Put before this library's own `User-Agent`. */
  userAgent?: string | undefined;
  /** The URL of a proxy. Beats `HTTPS_PROXY` and its kin. */
  proxy?: string | undefined;
  /** A PEM file of certificates to trust instead of the system's. */
  caBundle?: string | undefined;
  /** Poll at once instead of after the first interval. */
  firstPollAtOnce?: boolean | undefined;
  /** How long to wait for another process that holds the store's lock. */
  lockTimeout?: number | undefined;
  /** How long a method of a store written in JavaScript may take (30,000). */
  storeTimeout?: number | undefined;
}

const KNOWN = [
  'clientName',
  'clientId',
  'scopes',
  'platformUrl',
  'accountUrl',
  'store',
  'timeout',
  'deadline',
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
  for (const name of ['timeout', 'deadline', 'lockTimeout', 'storeTimeout'] as const) {
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
  const { store: inner, cipher } = unwrapped(store);
  const builtIn = nativeStoreOf(inner);
  if (builtIn !== undefined) return open(forwarded, builtIn, undefined, cipher);
  const host = new HostStore(inner, storeTimeout);
  const hostStore = { kept: host.number, cacheFor: inner.cacheFor ?? 0 };
  return open({ ...forwarded, hostStore }, undefined, host, cipher);
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
  host?: HostStore,
  cipher?: NativeCipher,
): Session {
  return new Session(unwrap(native.openClient(bridge(), options, store, cipher)), undefined, host);
}

function runtimeName(): string {
  const { bun, deno, node } = process.versions;
  if (bun !== undefined) return `bun/${bun}`;
  return deno === undefined ? `node/${node}` : `deno/${deno}`;
}
