import { call } from './bridge.js';
import { optionalCount, optionalSignal, optionalTimeout, requireOptions } from './checks.js';
import { ConfigError } from './errors.js';
import { type HostStore, isCalledBy } from './hoststore.js';
import type { NativeClient, NativeLimits } from './native.js';

/** Limits of a call. */
export interface LimitOptions {
  /** Milliseconds that one request may take, from connecting to the last byte. */
  timeout?: number | undefined;
  /**
   * Milliseconds that the whole call may take: retries, a refresh of the tokens and all waiting
   * included. Then it fails with a `TimeoutError`.
   */
  deadline?: number | undefined;
  /** How often a request is repeated at most, where a repeat is safe. */
  maxRetries?: number | undefined;
}

/** What every call takes as its last argument. */
export interface CallOptions extends LimitOptions {
  /** Stops the call, which then rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

type Start = (client: NativeClient, number: number, limits: NativeLimits | undefined) => void;

/** The names of {@link LimitOptions}. */
export const LIMITS = ['timeout', 'deadline', 'maxRetries'];

const KNOWN = ['signal', ...LIMITS];

/** A native client with the limits that calls have unless they say otherwise. */
export class Session {
  readonly native: NativeClient;
  /** The store, if it is written in JavaScript. */
  readonly host: HostStore | undefined;
  readonly #limits: NativeLimits | undefined;

  constructor(native: NativeClient, limits?: NativeLimits, host?: HostStore) {
    this.native = native;
    this.host = host;
    this.#limits = limits;
  }

  with(limits: LimitOptions): Session {
    return new Session(this.native, this.#merged(limits), this.host);
  }

  /**
   * Starts a call with its options checked.
   * @param more The names of options that only this call has.
   */
  async call<T>(options: CallOptions | undefined, start: Start, more?: string[]): Promise<T> {
    this.refuseOwnStore();
    if (options === undefined) {
      const begin = (number: number) => start(this.native, number, this.#limits);
      return await call<T>(undefined, begin, this.host);
    }
    requireOptions(options, more === undefined ? KNOWN : [...KNOWN, ...more]);
    optionalSignal(options.signal);
    const limits = this.#merged(options);
    const begin = (number: number) => start(this.native, number, limits);
    return await call<T>(options.signal, begin, this.host);
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

  #merged(options: LimitOptions): NativeLimits | undefined {
    const { timeout, deadline, maxRetries } = options;
    if (timeout === undefined && deadline === undefined && maxRetries === undefined) {
      return this.#limits;
    }
    optionalTimeout('timeout', timeout);
    optionalTimeout('deadline', deadline);
    optionalCount('maxRetries', maxRetries);
    return {
      ...this.#limits,
      ...(timeout === undefined ? {} : { timeout }),
      ...(deadline === undefined ? {} : { deadline }),
      ...(maxRetries === undefined ? {} : { maxRetries }),
    };
  }
}
