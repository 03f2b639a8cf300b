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
  /** What the approval page calls the application; also names the default store. */
  clientName?: string | undefined;
  /** A registration made elsewhere; without one, the first login registers. */
  clientId?: string | undefined;
  /** What logins ask for; by default all scopes of the Account API. Such as `['balance:read']`. */
  scopes?: readonly string[] | undefined;
  /**
   * The base of the device flow; by default `PARALLEL_PLATFORM_URL`, then
   * `https://platform.parallel.ai`.
   */
  platformUrl?: string | undefined;
  /**
   * The base of the Account API; by default `PARALLEL_SERVICE_API_URL`, then
   * `https://api.parallel.ai/account`.
   */
  accountUrl?: string | undefined;
  /** Where the login is kept. By default a file of this program's own. */
  store?: CredentialStore | undefined;
  /**
   * How long one request may take, in milliseconds, from connecting to the last byte; default
   * 30,000.
   */
  timeout?: number | undefined;
  /**
   * How long a call as a whole may take, in milliseconds, retries, a refresh and all waiting
   * included; by default there is no limit.
   */
  deadline?: number | undefined;
  /** How often a request is retried at most where a retry is safe; default 2. */
  maxRetries?: number | undefined;
  /** The ID of the organization to act for, whichever is selected in the store. */
  org?: string | undefined;
  /** Added to the `User-Agent`, such as `my-app/1.2`. */
  userAgent?: string | undefined;
  /** The URL of a proxy, instead of what `HTTPS_PROXY` and its like say. */
  proxy?: string | undefined;
  /**
   * A file of PEM certificates to trust besides the system's, and besides those that
   * `NODE_EXTRA_CA_CERTS` and `SSL_CERT_FILE` name.
   */
  caBundle?: string | undefined;
  /** Whether to poll a login at once rather than after one interval. */
  firstPollAtOnce?: boolean | undefined;
  /**
   * How long to wait for another process that holds the store's lock, in milliseconds; default
   * 60,000.
   */
  lockTimeout?: number | undefined;
  /** How long a method of a custom store may take, in milliseconds; default 30,000. */
  storeTimeout?: number | undefined;
  /**
   * Sent with every request, such as `x-team`; what this library sets itself, such as
   * `Authorization`, is refused. An object, `Headers` or pairs.
   */
  headers?: HeadersLike | undefined;
  /**
   * Where to log requests, refreshes and what is wrong with the store: `console`, pino, winston, …
   */
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
