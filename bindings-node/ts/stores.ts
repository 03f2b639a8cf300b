import { call, unwrap } from './bridge.js';
import { requireString } from './checks.js';
import { ConfigError } from './errors.js';
import { type NativeStore, native } from './native.js';

/** Releases a lock of a store. */
export type Release = () => void | PromiseLike<void>;

/**
 * Where a client keeps its credentials: one opaque string. Write your own to keep them in a
 * database or a keychain; every method may be synchronous or asynchronous. A method that throws,
 * or takes longer than the client's `storeTimeout`, fails the call with a `StoreError` whose
 * `cause` is what it threw. A store must not call the client that it serves.
 */
export interface CredentialStore {
  /** The string saved last, or null. */
  load(): string | null | undefined | PromiseLike<string | null | undefined>;
  /** Keeps the string durably before it returns: refresh tokens work once. */
  save(record: string): void | PromiseLike<void>;
  /** Forgets the string. */
  delete(): void | PromiseLike<void>;
  /**
   * Optional: waits until no other process refreshes from this store. Answers a function that
   * releases the lock, or a `Disposable`/`AsyncDisposable`.
   */
  lock?(): LockAnswer | PromiseLike<LockAnswer>;
}

/** What {@link CredentialStore.lock} may answer. */
export type LockAnswer = Release | Disposable | AsyncDisposable | undefined;

const CLI: unique symbol = Symbol('parallel-cli');

/** What is behind a built-in store: not a property, so that an inspected store shows no machinery. */
const natives = new WeakMap<CredentialStore, NativeStore>();

/**
 * The native store behind a built-in one.
 * @internal
 */
export function nativeStoreOf(store: CredentialStore): NativeStore | undefined {
  return natives.get(store);
}

/** One of the stores that the native module brings along. */
abstract class BuiltInStore implements CredentialStore {
  readonly #native: NativeStore;

  /** @internal */
  constructor(store: NativeStore) {
    this.#native = store;
    natives.set(this, store);
  }

  /** Where the credentials are, for people. */
  get location(): string {
    return this.#native.location();
  }

  /**
   * The record as it is stored; it holds the tokens.
   * @throws {StoreError}
   */
  async load(): Promise<string | null> {
    const record = await call<string | null | undefined>(undefined, (number, bridge) =>
      this.#native.load(bridge, number),
    );
    return record ?? null;
  }

  /**
   * Replaces the record.
   * @throws {StoreError}
   */
  async save(record: string): Promise<void> {
    requireString('record', record);
    await call(undefined, (number, bridge) => this.#native.save(bridge, number, record));
  }

  /**
   * Removes the record.
   * @throws {StoreError}
   */
  async delete(): Promise<void> {
    await call(undefined, (number, bridge) => this.#native.delete(bridge, number));
  }
}

/** Credentials that end with the process. Clients that share one share the login. */
export class MemoryStore extends BuiltInStore {
  /** @param record What an earlier store saved, to go on with it. */
  constructor(record?: string | null) {
    if (record !== undefined && record !== null) requireString('record', record, ConfigError);
    super(native.NativeStore.memory(record ?? undefined));
  }
}

/**
 * Credentials in a file of their own, readable by its owner alone, written atomically and locked
 * between processes. This is also what a client uses by itself, at a place that its `clientName`
 * decides.
 */
export class FileStore extends BuiltInStore {
  /** @param path The file; its folder is made when something is saved. */
  constructor(path: string);
  /** @internal */
  constructor(path: string | typeof CLI);
  constructor(path: string | typeof CLI) {
    if (path !== CLI) requireString('path', path, ConfigError);
    super(path === CLI ? unwrap(native.openCliStore()) : native.NativeStore.file(path));
  }

  /**
   * The file of Parallel's own CLI: whoever ran `parallel-cli login` is logged in here, and the
   * reverse.
   */
  static parallelCli(): FileStore {
    return new FileStore(CLI);
  }
}
