// Promises on one side, numbered native calls on the other.

import { AsyncResource } from 'node:async_hooks';
import { subscribed, WARNINGS } from './channels.js';
import { errorFrom, isFailure } from './errors.js';
import { happened, warned } from './events.js';
import {
  answerFor,
  errorAt,
  forget,
  type HostCall,
  type HostStore,
  withdraw,
} from './hoststore.js';
import { forgetLogger, isLogged } from './logger.js';
import {
  type NativeBridge,
  type NativeFailure,
  type NativeHappened,
  type NativeResponse,
  native,
} from './native.js';

/** How a call ended when it did not end with a value. */
class Ended {
  constructor(readonly error: () => unknown) {}
}

// The kinds of message, as `src/batch.rs` numbers them.
const VALUE = 0;
const FAILURE = 1;
const CANCELLED = 2;
const ASK = 3;
const FORGET = 4;
const WITHDRAW = 5;
const LINGER = 6;
const IDLE = 7;
const SEEN = 9;
const HAPPENED = 10;
const WARNED = 11;

/** A call, besides its outcome. */
export interface CallState {
  /** Its number on the native side; 0 before it is known there. */
  number: number;
  /** Whether it is settled. */
  over: boolean;
  /** What its answer said besides the body, if {@link see} asked for that. */
  response: NativeResponse | undefined;
  /** What must live as long as the call runs. */
  readonly keeps: unknown;
}

/** A call that the native side has not settled. */
interface Running {
  settle: (outcome: unknown) => void;
  /** The client's store, where it is written in JavaScript. */
  readonly host: HostStore | undefined;
  readonly state: CallState | undefined;
}

/** The calls that run, by number. */
const running = new Map<number, Running>();

/** The stores of calls that are settled, and whose clients work on, by number. */
const lingering = new Map<number, HostStore>();

// Made outside of any request where this is imported, so that the bridge, which lives as long as
// its thread, keeps nobody's asynchronous context.
const outside = new AsyncResource('parallel-account');

let current: NativeBridge | undefined;
let lastCall = 0;
/** What the native side was told to tell. */
let listened = 0;

/** The bridge of this JavaScript thread; nothing exists before the first client. */
export function bridge(): NativeBridge {
  current ??= outside.runInAsyncScope(() => new native.NativeBridge(deliver));
  return current;
}

type Start = (call: number, bridge: NativeBridge) => void;

/**
 * Starts a native call and waits for its end. The error is made here, in the caller's own
 * asynchronous stack, so that its trace shows who called.
 * @param host The client's store, where it is written in JavaScript.
 * @param state What becomes of the call besides.
 */
export async function call<T>(
  signal: AbortSignal | undefined,
  start: Start,
  host?: HostStore,
  state?: CallState,
): Promise<T> {
  const outcome = await (signal === undefined
    ? begin(start, host, state)
    : beginAbortable(signal, start, host, state));
  if (outcome instanceof Ended) throw outcome.error();
  return outcome as T;
}

/** Has what the call's answer says besides its body kept. Does nothing once the call is settled. */
export function see(state: CallState): void {
  if (state.number !== 0 && !state.over) bridge().see(state.number);
}

/** Whatever channels and loggers want by now is told from here on. */
export function announce(): void {
  const wanted = subscribed() | (isLogged() ? WARNINGS : 0);
  if (wanted === listened) return;
  listened = wanted;
  bridge().listen(wanted);
}

function begin(
  start: Start,
  host: HostStore | undefined,
  state: CallState | undefined,
): Promise<unknown> {
  return new Promise((resolve) => {
    open(start, resolve, host, state);
  });
}

function beginAbortable(
  signal: AbortSignal,
  start: Start,
  host: HostStore | undefined,
  state: CallState | undefined,
): Promise<unknown> {
  const aborted = () => new Ended(() => signal.reason);
  if (signal.aborted) return Promise.resolve(aborted());
  return new Promise((resolve) => {
    const settle = (outcome: unknown) => {
      unlisten();
      resolve(outcome);
    };
    const number = open(start, settle, host, state);
    const unlisten = onAbort(signal, () => {
      const call = running.get(number);
      if (call !== undefined) call.settle = ignore;
      host?.left(number);
      bridge().cancel(number);
      resolve(aborted());
    });
  });
}

function ignore(): void {}

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
  start: Start,
  settle: (outcome: unknown) => void,
  host: HostStore | undefined,
  state: CallState | undefined,
): number {
  announce();
  // Counted round after 2³² calls, when the first ones are long settled.
  lastCall = (lastCall + 1) >>> 0;
  const number = lastCall;
  start(number, bridge());
  running.set(number, { settle, host, state });
  if (state !== undefined) state.number = number;
  host?.began(number);
  return number;
}

/** Called by the native side with everything that ended since the last time. Must not throw. */
function deliver(messages: unknown[]): void {
  for (let at = 0; at < messages.length; at += 3) {
    const kind = messages[at] as number;
    const number = messages[at + 1] as number;
    const payload = messages[at + 2];
    if (kind === VALUE) settle(number, payload);
    else if (kind === FAILURE) settle(number, failed(payload as NativeFailure));
    else if (kind === CANCELLED) settle(number, new Ended(stopped));
    else if (kind === ASK) answerFor(number, payload as HostCall, bridge());
    else if (kind === FORGET) drop(number);
    else if (kind === WITHDRAW) withdraw(number);
    else if (kind === LINGER) linger(number);
    else if (kind === IDLE) idle(number);
    else if (kind === SEEN) seen(number, payload as NativeResponse);
    else if (kind === HAPPENED) happened(number, payload as NativeHappened);
    else if (kind === WARNED) warned(payload as string);
  }
}

function settle(number: number, outcome: unknown): void {
  const call = running.get(number);
  if (call === undefined) return;
  running.delete(number);
  if (call.state !== undefined) call.state.over = true;
  if (call.host !== undefined) {
    call.host.left(number);
    if (!lingering.has(number)) call.host.ended();
  }
  call.settle(outcome);
}

function seen(number: number, response: NativeResponse): void {
  const state = running.get(number)?.state;
  if (state !== undefined) state.response = response;
}

/** The native side knows nothing by this number any more. */
function drop(number: number): void {
  forget(number);
  forgetLogger(number);
}

/** The call is about to be settled, and its client will work on. */
function linger(number: number): void {
  const host = running.get(number)?.host;
  if (host !== undefined) lingering.set(number, host);
}

function idle(number: number): void {
  lingering.get(number)?.ended();
  lingering.delete(number);
}

function failed(failure: NativeFailure): Ended {
  if (failure.code === 'cancelled') return new Ended(stopped);
  // Looked up now: the native side lets go of it as soon as this is delivered.
  const hostError = failure.hostError === undefined ? undefined : errorAt(failure.hostError);
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
