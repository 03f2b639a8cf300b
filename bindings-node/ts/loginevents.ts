import type { LoginEvent } from './models.js';

type Poll = (signal: AbortSignal) => Promise<LoginEvent>;

type Result = IteratorResult<LoginEvent, void>;

const DONE: Result = { value: undefined, done: true };

/**
 * The events of a login. Not an `async function*`, whose `return()` would wait for the poll that is
 * due: here it stops waiting.
 */
export class LoginEvents implements AsyncGenerator<LoginEvent, void, undefined> {
  readonly #poll: Poll;
  readonly #signal: AbortSignal | undefined;
  readonly #stop = new AbortController();
  #over = false;
  /** Steps that were asked for at once are taken one after the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(poll: Poll, signal: AbortSignal | undefined) {
    this.#poll = poll;
    this.#signal = signal;
  }

  next(): Promise<Result> {
    const step = this.#last.then(() => this.#step());
    this.#last = step.catch(ignore);
    return step;
  }

  async return(): Promise<Result> {
    this.#over = true;
    this.#stop.abort();
    await this.#last;
    return DONE;
  }

  async throw(error: unknown): Promise<Result> {
    await this.return();
    throw error;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #step(): Promise<Result> {
    if (this.#over) return DONE;
    try {
      const value = await this.#polled();
      if (value.type === 'authorized') this.#over = true;
      return { value, done: false };
    } catch (error) {
      // `return()` while it polled: whoever asked for the event gets the end.
      if (this.#over) return DONE;
      this.#over = true;
      throw error;
    }
  }

  async #polled(): Promise<LoginEvent> {
    const signal = this.#signal;
    if (signal === undefined) return await this.#poll(this.#stop.signal);
    const stop = () => this.#stop.abort(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    try {
      return await this.#poll(this.#stop.signal);
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }
}

function ignore(): void {}
