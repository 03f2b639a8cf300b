import { announce, bridge, unwrap } from './bridge.js';
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
import { flatHeaders, type HeadersLike } from './headers.js';
import { HostStore } from './hoststore.js';
import { keepLogger, type Logger, requireLogger } from './logger.js';
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
  /** The id of the organization to act for; otherwise the selected one. */
  org?: string | undefined;
  /** Put before this library's own `User-Agent`. */
  userAgent?: string | undefined;
  /** The URL of a proxy. Beats `HTTPS_PROXY` and its kin. */
  proxy?: string | undefined;
  /**
   * A PEM file of certificates to trust besides the system's, and besides those that
   * `NODE_EXTRA_CA_CERTS` and `SSL_CERT_FILE` name.
   */
  caBundle?: string | undefined;
  /** Poll at once instead of after the first interval. */
  firstPollAtOnce?: boolean | undefined;
  /** How long to wait for another process that holds the store's lock. */
  lockTimeout?: number | undefined;
  /** How long a method of a store written in JavaScript may take (30,000). */
  storeTimeout?: number | undefined;
  /**
   * Headers to send with every request, such as `{ 'x-team': 'billing' }`. Those that this library
   * sets itself, such as `Authorization`, are refused.
   */
  headers?: HeadersLike | undefined;
  /** Where to log requests, refreshes and what is wrong with the store: `console`, pino, winston, … */
  logger?: Logger | undefined;
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
  'headers',
  'logger',
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
  const { store, storeTimeout = STORE_TIMEOUT, org, headers, logger, ...rest } = options;
  if (logger !== undefined) requireLogger(logger);
  const timeScale = (options as { [TIME_SCALE]?: number })[TIME_SCALE];
  const forwarded = {
    ...rest,
    ...(org === undefined ? {} : { organization: org }),
    ...(timeScale === undefined ? {} : { timeScale }),
    ...(headers === undefined ? {} : { headers: flatHeaders(headers) }),
    ...(logger === undefined ? {} : { listener: listening(logger) }),
    ...surroundings(),
    language: runtimeName(),
  } as NativeClientOptions;
  if (store === undefined) return open(forwarded, { logger });
  requireStore(store);
  const { store: inner, cipher } = unwrapped(store);
  const builtIn = nativeStoreOf(inner);
  if (builtIn !== undefined) return open(forwarded, { logger, cipher, store: builtIn });
  const host = new HostStore(inner, storeTimeout);
  const hostStore = { kept: host.number, cacheFor: inner.cacheFor ?? 0 };
  return open({ ...forwarded, hostStore }, { logger, cipher, host });
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

/** What a client is made of besides its options. */
interface Parts {
  logger: Logger | undefined;
  store?: NativeStore;
  host?: HostStore;
  cipher?: NativeCipher | undefined;
}

function open(options: NativeClientOptions, { logger, store, host, cipher }: Parts): Session {
  // Making a client can warn already, of certificates that cannot be read.
  announce();
  const client = unwrap(native.openClient(bridge(), options, store, cipher));
  return new Session(client, host, logger);
}

function listening(logger: Logger) {
  return {
    kept: keepLogger(logger),
    requests: logger.debug !== undefined || logger.info !== undefined,
  };
}

/** The variables that clients are made by. */
const VARIABLES = [
  'PARALLEL_PLATFORM_URL',
  'PARALLEL_SERVICE_API_URL',
  'PARALLEL_ACCOUNT_REQUIRE_STORE',
  'HTTPS_PROXY',
  'https_proxy',
  'ALL_PROXY',
  'all_proxy',
  'NO_PROXY',
  'no_proxy',
  // A proxy is not taken from the environment of a CGI script, which is partly its caller's.
  'REQUEST_METHOD',
];

/** What JavaScript calls the environment, which the process's own is not in a worker, nor in Bun. */
function surroundings(): Pick<NativeClientOptions, 'environment' | 'extraCaCerts'> {
  const { env } = process;
  const environment: Record<string, string> = {};
  for (const name of VARIABLES) {
    const value = env[name];
    if (value !== undefined) environment[name] = value;
  }
  const extraCaCerts = env.NODE_EXTRA_CA_CERTS;
  return { environment, ...(extraCaCerts ? { extraCaCerts } : {}) };
}

function runtimeName(): string {
  const { bun, deno, node } = process.versions;
  if (bun !== undefined) return `bun/${bun}`;
  return deno === undefined ? `node/${node}` : `deno/${deno}`;
}
