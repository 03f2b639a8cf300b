// Stores written in JavaScript: how the native side calls them, and what is kept for it.

import { AsyncLocalStorage } from 'node:async_hooks';
import { kindOf } from './checks.js';
import type { NativeBridge } from './native.js';
import type { CredentialStore } from './stores.js';

/** A call of a store's method that the native side asks for. */
export interface HostCall {
  store: number;
  method: 'load' | 'replace';
  old?: string;
  new?: string;
}

/** Stores, and errors that they threw, until the native side drops what refers to them. */
const kept = new Map<number, unknown>();
let lastKept = 0;

/** Keeps a value for the native side, which says when to `forget` it; answers its number. */
export function keep(value: unknown): number {
  lastKept += 1;
  kept.set(lastKept, value);
  return lastKept;
}

/** What is kept under that number. */
export function keptAs(number: number): unknown {
  return kept.get(number);
}

/** The native side does not need it any more. */
export function forget(number: number): void {
  kept.delete(number);
}

/** A method of a store that runs. What it starts and leaves behind outlives it. */
interface Visit {
  readonly store: CredentialStore;
  active: boolean;
}

const visits = new AsyncLocalStorage<Visit>();

/**
 * Whether a method of this store is what is calling. The client would ask the store again, and
 * so on without end.
 */
export function isCalledBy(store: CredentialStore): boolean {
  const visit = visits.getStore();
  return visit?.active === true && visit.store === store;
}

/** Calls the method and answers the question. Never rejects. */
export async function answerFor(
  question: number,
  { store: number, method, old, new: record }: HostCall,
  bridge: NativeBridge,
): Promise<void> {
  try {
    const store = kept.get(number) as CredentialStore;
    if (method === 'load') {
      bridge.answerRecord(question, checkedRecord(await visit(store, () => store.load())));
    } else {
      const replace = () => store.replace(old ?? null, record ?? null);
      bridge.answerReplaced(question, checkedReplaced(await visit(store, replace)));
    }
  } catch (error) {
    const message = messageOf(error);
    const quoted = [old, record].some((text) => text !== undefined && quotes(message, text));
    bridge.answerError(question, quoted ? UNQUOTABLE : message, keep(error));
  }
}

async function visit<T>(store: CredentialStore, method: () => T): Promise<Awaited<T>> {
  const current = { store, active: true };
  try {
    return await visits.run(current, method);
  } finally {
    current.active = false;
  }
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
