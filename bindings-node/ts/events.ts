// What the native side tells of requests, refreshes and stores, on to channels and loggers.

import {
  type RefreshMessage,
  type RequestEndMessage,
  type RequestErrorMessage,
  type RequestMessage,
  type RetryMessage,
  refresh,
  requestEnd,
  requestError,
  requestStart,
  retry,
  type StoreMessage,
  store,
  type WarningMessage,
  warning,
} from './channels.js';
import { type AccountError, errorFrom } from './errors.js';
import { errorAt } from './hoststore.js';
import { log, logToAll } from './logger.js';
import type { NativeFailure, NativeHappened, NativeRefresh, NativeRequest } from './native.js';

/** What is told of one kind of thing. */
type Of<K extends NativeHappened['kind']> = Extract<NativeHappened, { kind: K }>;

/**
 * Something happened in a client. Never throws.
 * @param logger The number of the client's logger; 0 for none.
 */
export function happened(logger: number, event: NativeHappened): void {
  switch (event.kind) {
    case 'request:start':
      requestStart.publish(request(event));
      break;
    case 'request:end':
      requestEnded(logger, event);
      break;
    case 'request:error':
      requestFailed(logger, event);
      break;
    case 'retry':
      retried(logger, event);
      break;
    case 'store':
      storeTold(logger, event);
      break;
    default:
      refreshTold(logger, event);
  }
}

function requestEnded(logger: number, event: Of<'request:end'>): void {
  const { status, requestId, duration } = event;
  const message: RequestEndMessage = { ...request(event), status, requestId, duration };
  requestEnd.publish(message);
  log(logger, 'debug', () => `${named(message)}: ${status}, ${took(message)}`);
}

function requestFailed(logger: number, event: Of<'request:error'>): void {
  const error = errorOf(event.error);
  const message: RequestErrorMessage = { ...request(event), error, duration: event.duration };
  requestError.publish(message);
  log(logger, 'debug', () => `${named(message)}: ${error.message} (${took(message)})`);
}

function retried(logger: number, event: Of<'retry'>): void {
  const message: RetryMessage = { ...request(event), after: event.after };
  retry.publish(message);
  log(logger, 'info', () => `${named(message)}: retry in ${Math.round(message.after)} ms`);
}

function refreshTold(logger: number, event: NativeRefresh) {
  const { kind: outcome, organization } = event;
  const error = event.error === undefined ? undefined : errorOf(event.error);
  refresh.publish({ outcome, organization, error } satisfies RefreshMessage);
  if (error !== undefined) {
    log(logger, 'warn', () => `The tokens of ${organization} were not renewed: ${error.message}`);
    return;
  }
  const how = outcome === 'adopted' ? 'renewed by another process' : 'renewed';
  log(logger, 'info', () => `The tokens of ${organization} were ${how}.`);
}

function storeTold(logger: number, event: Of<'store'>) {
  const { location, duration } = event;
  const error = event.error === undefined ? undefined : errorOf(event.error);
  store.publish({ location, error, duration } satisfies StoreMessage);
  if (error !== undefined) log(logger, 'error', () => error.message);
  else log(logger, 'warn', () => `A call of the store (${location}) took ${duration} ms.`);
}

/** A warning that belongs to no client. Never throws. */
export function warned(message: string): void {
  warning.publish({ message } satisfies WarningMessage);
  logToAll('warn', message);
}

function request(event: NativeRequest): RequestMessage {
  const { id, method, url, attempt } = event;
  return { id, method, url, attempt };
}

function errorOf(failure: NativeFailure): AccountError {
  // Looked up now: the native side lets go of it as soon as this is delivered.
  return errorFrom(
    failure,
    failure.hostError === undefined ? undefined : errorAt(failure.hostError),
  );
}

function named({ method, url, attempt }: RequestMessage): string {
  return attempt === 0 ? `${method} ${url}` : `${method} ${url} (retry ${attempt})`;
}

function took({
  duration,
  requestId,
}: {
  duration: number;
  requestId?: string | undefined;
}): string {
  const time = `${Math.round(duration)} ms`;
  return requestId === undefined ? time : `${time}, request ${requestId}`;
}
