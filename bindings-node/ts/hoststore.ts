// Stores written in JavaScript: which ones the native side may call, and how it calls them.

import { AsyncLocalStorage } from 'node:async_hooks';
import { kindOf } from './checks.js';
import type { NativeBridge } from './native.js';
import type { CredentialStore, Release } from './stores.js';

/** A call that the native side asks for. */
export interface HostCall {
  store: number;
  method: 'load' | 'save' | 'delete' | 'lock' | 'unlock' | 'forget';
  argument?: string;
}

const stores = new Map<number, CredentialStore>();
const locks = new Map<string, Release>();
let lastStore = 0;
let lastLock = 0;

/** Keeps a store until the client that uses it is gone; answers its number. */
export function registerStore(store: CredentialStore): number {
  lastStore += 1;
  stores.set(lastStore, store);
  return lastStore;
}

/** The store whose method runs, seen from what that method calls. */
const running = new AsyncLocalStorage<CredentialStore>();

/**
 * Whether a method of this store is what is calling. The client would ask the store again, and
 * so on without end.
 */
export function isCalledBy(store: CredentialStore): boolean {
  return running.getStore() === store;
}

/** Calls the method and answers the question. Never rejects. */
export async function answerFor(
  question: number,
  { store: number, method, argument }: HostCall,
  bridge: NativeBridge,
  keepError: (question: number, error: unknown) => void,
): Promise<void> {
  if (method === 'forget') {
    stores.delete(number);
    return;
  }
  if (method === 'unlock') {
    await unlock(argument ?? '');
    return;
  }
  try {
    const store = stores.get(number);
    if (store === undefined) throw new Error('the store is no longer known');
    switch (method) {
      case 'load':
        bridge.answer(question, checkedRecord(await running.run(store, () => store.load())));
        return;
      case 'save':
        await running.run(store, () => store.save(argument ?? ''));
        bridge.answer(question);
        return;
      case 'delete':
        await running.run(store, () => store.delete());
        bridge.answer(question);
        return;
      case 'lock': {
        lastLock += 1;
        const lock = String(lastLock);
        locks.set(lock, releaseOf(await running.run(store, () => store.lock?.())));
        // The client has stopped waiting: whoever comes next must not wait for it.
        if (!bridge.answer(question, lock)) await unlock(lock);
      }
    }
  } catch (error) {
    keepError(question, error);
    bridge.answerError(question, messageOf(error));
  }
}

async function unlock(lock: string): Promise<void> {
  const release = locks.get(lock);
  locks.delete(lock);
  try {
    await release?.();
  } catch (error) {
    process.emitWarning(`The store's lock could not be released: ${messageOf(error)}`, {
      code: 'PARALLEL_ACCOUNT_UNLOCK',
    });
  }
}

function checkedRecord(record: unknown): string | undefined {
  if (record === undefined || record === null) return undefined;
  if (typeof record === 'string') return record;
  throw new TypeError(`load() must give the saved string, or null; it gave ${kindOf(record)}`);
}

function releaseOf(lock: unknown): Release {
  if (lock === undefined || lock === null) return () => undefined;
  if (typeof lock === 'function') return lock as Release;
  const disposable = lock as Partial<AsyncDisposable & Disposable>;
  const dispose = disposable[Symbol.asyncDispose] ?? disposable[Symbol.dispose];
  if (typeof dispose === 'function') return () => dispose.call(lock);
  throw new TypeError(
    `lock() must give a function that releases it, or a disposable; it gave ${kindOf(lock)}`,
  );
}

function messageOf(error: unknown): string {
  try {
    return error instanceof Error ? error.message : String(error);
  } catch {
    return 'something that cannot be shown';
  }
}
