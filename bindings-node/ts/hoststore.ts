// Stores written in JavaScript: where their methods run, for how long they may, and how long the
// stores are kept.

import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';
import { clearTimeout, setImmediate, setTimeout } from 'node:timers';
import type { CredentialStore } from './credentialstore.js';
import { kindOf } from './kind.js';
import type { NativeBridge } from './native.js';

/** A call of a store's method that the native side asks for. */
export interface HostCall {
  store: number;
  method: 'load' | 'replace';
  old?: string;
  new?: string;
}

/** Errors that stores threw, until the native side drops what refers to them. */
const errors = new Map<number, unknown>();
/**
 * The stores, weakly: a store may hold the client that it serves, and both are then garbage
 * together. As long as the native side may ask a store, it is among the busy ones.
 */
const stores = new Map<number, WeakRef<HostStore>>();
const busy = new Set<HostStore>();
let lastNumber = 0;

/** For whatever the native side knows by a number. */
export function nextNumber(): number {
  lastNumber += 1;
  return lastNumber;
}

/** The error that is kept under that number. */
export function errorAt(number: number): unknown {
  return errors.get(number);
}

/** The native side does not need it any more. */
export function forget(number: number): void {
  errors.delete(number);
  stores.delete(number);
}

/** A store as one client uses it. Its methods run where the client's callers are. */
export class HostStore {
  /** What the native side calls it. */
  readonly number = nextNumber();
  readonly store: CredentialStore;
  /** Milliseconds that a method may take. */
  readonly timeout: number;
  /** The asynchronous contexts of the calls that are waited for, by number. */
  readonly #callers = new Map<number, AsyncResource>();
  #last: AsyncResource | undefined;
  /** Calls that the native side has not done with, whether waited for or not. */
  #open = 0;

  constructor(store: CredentialStore, timeout: number) {
    this.store = store;
    this.timeout = timeout;
    stores.set(this.number, new WeakRef(this));
  }

  /** A call begins, in the context that this is called in. */
  began(call: number): void {
    // A fiftieth of what `AsyncLocalStorage.snapshot()` costs.
    this.#last = new AsyncResource('parallel-account');
    this.#callers.set(call, this.#last);
    this.#open += 1;
    busy.add(this);
  }

  /** Nobody waits for the call any more; what it began may continue. */
  left(call: number): void {
    this.#callers.delete(call);
  }

  /** Nothing of one call continues. */
  ended(): void {
    this.#open -= 1;
    if (this.#open > 0) return;
    this.#last = undefined;
    busy.delete(this);
  }

  /** Runs a method in the context of a call that is waited for, else in that of the last one. */
  run<T>(method: () => T): T {
    const [caller = this.#last] = this.#callers.values();
    return caller === undefined ? method() : caller.runInAsyncScope(method);
  }
}

/** A method of a store that runs. What it starts and leaves behind outlives it. */
interface Visit {
  readonly store: CredentialStore;
  /** The method of another store that waits for this one. */
  outer: Visit | undefined;
  /** Until the method is done, or nobody waits for it. */
  active: boolean;
  timer: NodeJS.Timeout | undefined;
}

const visits = new AsyncLocalStorage<Visit>();
const asked = new Map<number, Visit>();

/**
 * Whether a method of this store is what is calling, or waits for what is calling. The client would
 * ask the store again, and so on without end.
 */
export function isCalledBy(store: CredentialStore): boolean {
  for (let visit = activeVisit(); visit !== undefined; visit = visit.outer) {
    if (visit.store === store) return true;
  }
  return false;
}

function activeVisit(): Visit | undefined {
  const visit = visits.getStore();
  return visit?.active === true ? visit : undefined;
}

/** Nobody waits for the answer any more. */
export function withdraw(question: number): void {
  const visit = asked.get(question);
  if (visit !== undefined) end(question, visit);
}

function end(question: number, visit: Visit): void {
  visit.active = false;
  visit.outer = undefined;
  clearTimeout(visit.timer);
  asked.delete(question);
}

/** Calls the method and answers the question, once. Never throws. */
export function answerFor(question: number, call: HostCall, bridge: NativeBridge): void {
  const host = stores.get(call.store)?.deref();
  if (host === undefined) {
    // Never so, for whoever asks keeps it busy; but an unanswered question would hang.
    const error = new Error('the store is gone');
    bridge.answerError(question, error.message, keepError(error));
    return;
  }
  const visit: Visit = { store: host.store, outer: undefined, active: true, timer: undefined };
  asked.set(question, visit);
  const answer = (give: () => void) => {
    if (!visit.active) return;
    end(question, visit);
    give();
  };
  const failed = (error: unknown) =>
    answer(() => bridge.answerError(question, sayable(error, call), keepError(error)));
  const succeeded = (value: unknown) => {
    try {
      if (call.method === 'load') {
        const record = checkedRecord(value);
        answer(() => bridge.answerRecord(question, record));
      } else {
        const replaced = checkedReplaced(value);
        answer(() => bridge.answerReplaced(question, replaced));
      }
    } catch (error) {
      failed(error);
    }
  };
  limit(visit, host.timeout, () => failed(new Error(tooLong(host.timeout))));
  host.run(() => {
    visit.outer = activeVisit();
    visits.run(visit, () => {
      void invoke(host.store, call).then(succeeded, failed);
    });
  });
}

async function invoke(store: CredentialStore, call: HostCall): Promise<unknown> {
  if (call.method === 'load') return await store.load();
  return await store.replace(call.old ?? null, call.new ?? null);
}

/**
 * Counts the time in slices, so that a blocked event loop, which keeps an answer from being seen,
 * uses up one of them at most. After the last one, what has arrived is still looked at.
 */
function limit(visit: Visit, timeout: number, expired: () => void): void {
  const slice = Math.max(1, timeout / SLICES);
  let left = Math.ceil(timeout / slice);
  const wait = () => {
    visit.timer = setTimeout(() => {
      left -= 1;
      if (left > 0) wait();
      else setImmediate(expired);
    }, slice);
    // A pending call holds the process; this need not.
    visit.timer.unref();
  };
  wait();
}

const SLICES = 10;

function tooLong(timeout: number): string {
  return (
    `it did not answer within ${timeout / 1000} s. Check what it waits for, or allow more time ` +
    'with storeTimeout'
  );
}

function keepError(error: unknown): number {
  const number = nextNumber();
  errors.set(number, error);
  return number;
}

export function checkedRecord(record: unknown): string | undefined {
  if (record === undefined || record === null) return undefined;
  if (typeof record === 'string') return record;
  throw new TypeError(`load() must return the record or null, not ${kindOf(record)}`);
}

export function checkedReplaced(replaced: unknown): boolean {
  if (typeof replaced === 'boolean') return replaced;
  throw new TypeError(
    `replace() must return true (replaced) or false (the record was another), not ${kindOf(replaced)}`,
  );
}

/** What may be said of the error: not if it quotes the record. */
function sayable(error: unknown, call: HostCall): string {
  const message = messageOf(error);
  const quoted = [call.old, call.new].some((text) => text !== undefined && quotes(message, text));
  return quoted ? UNQUOTABLE : message;
}

const UNQUOTABLE = 'see the cause, whose message quotes the record';

/** Whether the message shows a secret of the record, as those of query builders do. */
function quotes(message: string, record: string): boolean {
  const secrets = record.match(/[\w.~+/-]{16,}/g) ?? [];
  return secrets.some((secret) => message.includes(secret));
}

/** What was thrown may be anything, such as an error whose message is no string. */
function messageOf(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error);
  } catch {
    return 'it threw something that cannot be shown';
  }
}
