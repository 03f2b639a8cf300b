// The names under which `node:diagnostics_channel` tells what happens.

import { channel } from 'node:diagnostics_channel';
import type { AccountError } from './errors.js';

/** One attempt of a request, in `parallel-account:request:start`. */
export interface RequestMessage {
  /** The same in all messages about this attempt, and no other. */
  readonly id: number;
  readonly method: string;
  /** Where it goes, without a query. */
  readonly url: string;
  /** 0, and one more for each retry. */
  readonly attempt: number;
}

/** It was answered: `parallel-account:request:end`. */
export interface RequestEndMessage extends RequestMessage {
  readonly status: number;
  readonly requestId: string | undefined;
  /** Milliseconds, to the last byte of the answer. */
  readonly duration: number;
}

/** It was not answered: `parallel-account:request:error`. */
export interface RequestErrorMessage extends RequestMessage {
  /** Its code is `cancelled` where the call was stopped. */
  readonly error: AccountError;
  /** Milliseconds. */
  readonly duration: number;
}

/** It is sent again: `parallel-account:retry`. */
export interface RetryMessage extends RequestMessage {
  /** Milliseconds until then. */
  readonly after: number;
}

/** The tokens of a login: `parallel-account:refresh`. */
export interface RefreshMessage {
  /** `adopted`: another process had renewed them. */
  readonly outcome: 'renewed' | 'adopted' | 'failed';
  readonly organization: string;
  /** Why it failed. */
  readonly error: AccountError | undefined;
}

/** A store that failed, or took more than a second: `parallel-account:store`. */
export interface StoreMessage {
  readonly location: string;
  readonly error: AccountError | undefined;
  /** Milliseconds, where it was slow. */
  readonly duration: number | undefined;
}

/** What belongs to no client, such as a file that others can read: `parallel-account:warning`. */
export interface WarningMessage {
  readonly message: string;
}

/**
 * A call of a client, in the channels of `tracingChannel('parallel-account:call')`: one object from
 * its start to its end.
 */
export interface CallMessage {
  /** Such as `balance.get`. */
  readonly operation: string;
  /** Where a subscriber of `start` puts headers to send, such as `traceparent`. */
  readonly headers: Record<string, string>;
  /** The HTTP status of the last answer, at the end of a call of the Account API. */
  status?: number;
  /** The service's ID of the request, likewise. */
  requestId?: string;
  /** What the call rejects with. */
  error?: unknown;
}

export const requestStart = channel('parallel-account:request:start');
export const requestEnd = channel('parallel-account:request:end');
export const requestError = channel('parallel-account:request:error');
export const retry = channel('parallel-account:retry');
export const refresh = channel('parallel-account:refresh');
export const store = channel('parallel-account:store');
export const warning = channel('parallel-account:warning');

/** Those of `tracingChannel('parallel-account:call')`, which not every runtime has. */
export const calls = {
  start: channel('tracing:parallel-account:call:start'),
  end: channel('tracing:parallel-account:call:end'),
  asyncStart: channel('tracing:parallel-account:call:asyncStart'),
  asyncEnd: channel('tracing:parallel-account:call:asyncEnd'),
  error: channel('tracing:parallel-account:call:error'),
};

// The bits of `src/events.rs`.
const REQUESTS = 1;
const RARE = 2;

/** What the native side is to tell, as a set of bits. Asked before each call. */
export function subscribed(): number {
  const requests =
    requestStart.hasSubscribers ||
    requestEnd.hasSubscribers ||
    requestError.hasSubscribers ||
    retry.hasSubscribers;
  const rare = refresh.hasSubscribers || store.hasSubscribers || warning.hasSubscribers;
  return (requests ? REQUESTS : 0) | (rare ? RARE : 0);
}

/** Warnings alone. */
export const WARNINGS: number = RARE;

/** Whether somebody follows calls. */
export function callsTraced(): boolean {
  return (
    calls.start.hasSubscribers ||
    calls.end.hasSubscribers ||
    calls.asyncStart.hasSubscribers ||
    calls.asyncEnd.hasSubscribers ||
    calls.error.hasSubscribers
  );
}
