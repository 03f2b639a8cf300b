import { type CallState, call, see } from './bridge.js';
import { callsTraced } from './channels.js';
import { optionalCount, optionalSignal, optionalTimeout, requireOptions } from './checks.js';
import { ConfigError } from './errors.js';
import { flatHeaders, type HeadersLike, mergedHeaders } from './headers.js';
import { type HostStore, isCalledBy } from './hoststore.js';
import type { Logger } from './logger.js';
import type { NativeClient, NativeLimits } from './native.js';
import { type ApiPromise, apiPromise } from './response.js';
import { trace } from './trace.js';

/** Limits of a call. */
export interface LimitOptions {
  /** How long one request may take, in milliseconds, from connecting to the last byte. */
  timeout?: number | undefined;
  /**
   * How long the call as a whole may take, in milliseconds, retries, a refresh and all waiting
   * included. Then it fails with a `TimeoutError`.
   */
  deadline?: number | undefined;
  /** How often a request is retried at most where a retry is safe. */
  maxRetries?: number | undefined;
}

/** What holds for the calls of {@link AccountClient.withOptions}, unless they say otherwise. */
export interface CallDefaults extends LimitOptions {
  /**
   * Headers to send to the Account API besides the client's; one of the same name replaces the
   * client's. Such as `traceparent`; those that this library sets itself, such as `Authorization`,
   * are refused.
   */
  headers?: HeadersLike | undefined;
}

/** What every call takes as its last argument. */
export interface CallOptions extends CallDefaults {
  /** Stops the call, which then rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

type Start = (client: NativeClient, number: number, limits: NativeLimits | undefined) => void;

/** How a call of the Account API differs from others. */
interface Details<N, T> {
  /** The names of options that only this call has. */
  more?: readonly string[];
  /** Throws for a bad argument. Here rather than in the method, so that the call rejects. */
  check?: () => void;
  /** Makes what the call gives of what the native side gives. */
  convert?: (answer: N) => T;
}

/** The names of {@link CallDefaults}. */
export const DEFAULTS = ['timeout', 'deadline', 'maxRetries', 'headers'];

const KNOWN = ['signal', ...DEFAULTS];

/** A native client with what calls have unless they say otherwise. */
export class Session {
  readonly native: NativeClient;
  /** The store, if it is written in JavaScript. */
  readonly host: HostStore | undefined;
  /** Held here, and by the calls that run. */
  readonly logger: Logger | undefined;
  readonly #limits: NativeLimits | undefined;

  constructor(native: NativeClient, host?: HostStore, logger?: Logger, limits?: NativeLimits) {
    this.native = native;
    this.host = host;
    this.logger = logger;
    this.#limits = limits;
  }

  /** What the calls of a client with these options have. */
  merged(options: CallDefaults): NativeLimits | undefined {
    const { timeout, deadline, maxRetries, headers } = options;
    optionalTimeout('timeout', timeout);
    optionalTimeout('deadline', deadline);
    optionalCount('maxRetries', maxRetries);
    if (headers !== undefined) return withHeaders(this.#with(options), flatHeaders(headers));
    return this.#with(options);
  }

  #with({ timeout, deadline, maxRetries }: LimitOptions): NativeLimits | undefined {
    if (timeout === undefined && deadline === undefined && maxRetries === undefined) {
      return this.#limits;
    }
    return {
      ...this.#limits,
      ...(timeout === undefined ? {} : { timeout }),
      ...(deadline === undefined ? {} : { deadline }),
      ...(maxRetries === undefined ? {} : { maxRetries }),
    };
  }

  /** Starts a call of the Account API. */
  api<T, N = T>(
    operation: string,
    options: CallOptions | undefined,
    start: Start,
    details: Details<N, T> = {},
  ): ApiPromise<T> {
    const state = this.#state();
    return apiPromise(this.#run<T, N>(operation, options, start, state, details), state);
  }

  /**
   * Starts another call with its options checked.
   * @param operation What channels call it.
   * @param more The names of options that only this call has.
   */
  async call<T>(
    operation: string,
    options: CallOptions | undefined,
    start: Start,
    more: readonly string[] = [],
  ): Promise<T> {
    return await this.#run<T, T>(operation, options, start, this.#state(), { more });
  }

  #state(): CallState {
    return { number: 0, over: false, response: undefined, keeps: this.logger };
  }

  async #run<T, N>(
    operation: string,
    options: CallOptions | undefined,
    start: Start,
    state: CallState,
    { more, check, convert }: Details<N, T>,
  ): Promise<T> {
    this.refuseOwnStore();
    check?.();
    let limits = this.#limits;
    if (options !== undefined) {
      requireOptions(options, more === undefined ? KNOWN : [...KNOWN, ...more]);
      optionalSignal(options.signal);
      limits = this.merged(options);
    }
    const begin = (all: NativeLimits | undefined) =>
      call<N>(options?.signal, (number) => start(this.native, number, all), this.host, state);
    const answer = callsTraced()
      ? await trace(operation, state, (headers) => {
          // What the caller says comes before what a subscriber says.
          const added = mergedHeaders(flatHeaders(headers), limits?.headers ?? []);
          const running = begin(added.length === 0 ? limits : { ...limits, headers: added });
          see(state);
          return running;
        })
      : await begin(limits);
    return convert === undefined ? (answer as unknown as T) : convert(answer);
  }

  /**
   * The call would ask the store again, which would call again, and so on.
   * @throws {ConfigError} When a method of this client's store is what calls.
   */
  refuseOwnStore(): void {
    if (this.host === undefined || !isCalledBy(this.host.store)) return;
    const message =
      'A store must not call the client that it serves. Use another client, or get what the ' +
      'store needs before the client calls it.';
    throw new ConfigError({ code: 'config', message });
  }
}

/** The same login with other defaults. */
export function sessionWith(session: Session, options: CallDefaults): Session {
  return new Session(session.native, session.host, session.logger, session.merged(options));
}

function withHeaders(limits: NativeLimits | undefined, added: string[]): NativeLimits {
  return { ...limits, headers: mergedHeaders(limits?.headers ?? [], added) };
}
