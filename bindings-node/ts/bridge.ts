// Promises on one side, numbered native calls on the other.

import { errorFrom, isFailure } from './errors.js';
import { answerFor, forget, type HostCall, keptAs } from './hoststore.js';
import { type NativeBridge, type NativeFailure, native } from './native.js';

/** How a call ended when it did not end with a value. */
class Ended {
  constructor(readonly error: () => unknown) {}
}

// The kinds of message, as `src/batch.rs` numbers them.
const VALUE = 0;
const FAILURE = 1;
const CANCELLED = 2;
const ASK = 3;

/** The promises of the calls that run, by number. */
const waiting = new Map<number, (outcome: unknown) => void>();

let current: NativeBridge | undefined;
let lastCall = 0;

/** The bridge of this JavaScript thread; nothing exists before the first client. */
export function bridge(): NativeBridge {
  current ??= new native.NativeBridge(deliver);
  return current;
}

/**
 * Starts a native call and waits for its end. The error is made here, in the caller's own
 * asynchronous stack, so that its trace shows who called.
 */
export async function call<T>(
  signal: AbortSignal | undefined,
  start: (call: number, bridge: NativeBridge) => void,
): Promise<T> {
  const outcome = await (signal === undefined ? begin(start) : beginAbortable(signal, start));
  if (outcome instanceof Ended) throw outcome.error();
  return outcome as T;
}

function begin(start: (call: number, bridge: NativeBridge) => void): Promise<unknown> {
  return new Promise((resolve) => {
    open(start, resolve);
  });
}

function beginAbortable(
  signal: AbortSignal,
  start: (call: number, bridge: NativeBridge) => void,
): Promise<unknown> {
  const aborted = () => new Ended(() => signal.reason);
  if (signal.aborted) return Promise.resolve(aborted());
  return new Promise((resolve) => {
    const number = open(start, (outcome) => {
      unlisten();
      resolve(outcome);
    });
    const unlisten = onAbort(signal, () => {
      waiting.delete(number);
      bridge().cancel(number);
      resolve(aborted());
    });
  });
}

/** What to stop by signal: one listener however many calls share it, for Node warns of many. */
const abortable = new WeakMap<AbortSignal, { stops: Set<() => void>; listener: () => void }>();

/** Answers a function that takes `stop` back. */
function onAbort(signal: AbortSignal, stop: () => void): () => void {
  const { stops, listener } = abortable.get(signal) ?? listen(signal);
  stops.add(stop);
  return () => {
    stops.delete(stop);
    if (stops.size > 0) return;
    signal.removeEventListener('abort', listener);
    abortable.delete(signal);
  };
}

function listen(signal: AbortSignal) {
  const stops = new Set<() => void>();
  const listener = () => {
    abortable.delete(signal);
    for (const stop of stops) stop();
  };
  const entry = { stops, listener };
  abortable.set(signal, entry);
  signal.addEventListener('abort', listener, { once: true });
  return entry;
}

function open(
  start: (call: number, bridge: NativeBridge) => void,
  settle: (outcome: unknown) => void,
): number {
  // Counted round after 2³² calls, when the first ones are long settled.
  lastCall = (lastCall + 1) >>> 0;
  const number = lastCall;
  start(number, bridge());
  waiting.set(number, settle);
  return number;
}

/** Called by the native side with everything that ended since the last time. Must not throw. */
function deliver(messages: unknown[]): void {
  for (let at = 0; at < messages.length; at += 3) {
    const kind = messages[at] as number;
    const number = messages[at + 1] as number;
    const payload = messages[at + 2];
    if (kind > CANCELLED) {
      if (kind === ASK) void answerFor(number, payload as HostCall, bridge());
      else forget(number);
      continue;
    }
    const settle = waiting.get(number);
    if (settle === undefined) continue;
    waiting.delete(number);
    if (kind === VALUE) settle(payload);
    else if (kind === FAILURE) settle(failed(payload as NativeFailure));
    else settle(new Ended(stopped));
  }
}

function failed(failure: NativeFailure): Ended {
  if (failure.code === 'cancelled') return new Ended(stopped);
  // Looked up now: the native side lets go of it as soon as this is delivered.
  const hostError = failure.hostError === undefined ? undefined : keptAs(failure.hostError);
  return new Ended(() => errorFrom(failure, hostError));
}

function stopped(): DOMException {
  return new DOMException('The login was cancelled', 'AbortError');
}

/** Unwraps what a native function answered at once. */
export function unwrap<T extends object | string>(answer: T | NativeFailure): T {
  if (typeof answer === 'object' && isFailure(answer)) throw errorFrom(answer);
  return answer as T;
}
