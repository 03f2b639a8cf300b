import { call, unwrap } from './bridge.js';
import { requireString } from './checks.js';
import type { CredentialStore } from './credentialstore.js';
import { ConfigError } from './errors.js';
import { type NativeStore, native } from './native.js';

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

  /** Where the credentials are, for display. */
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
   * Atomically replaces exactly `old` with `next`; null stands for no record.
   * @returns False if the record was not `old`; nothing changed then.
   * @throws {StoreError}
   */
  async replace(old: string | null, next: string | null): Promise<boolean> {
    if (old !== null) requireString('old', old);
    if (next !== null) requireString('next', next);
    return await call<boolean>(undefined, (number, bridge) =>
      this.#native.replace(bridge, number, old ?? undefined, next ?? undefined),
    );
  }
}

/** Credentials that end with the process. Clients that share one share the login. */
export class MemoryStore extends BuiltInStore {
  /** @param record What `load()` of an earlier store returned, to continue with it. */
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
  /** @param path The file; its folder is made when something is stored. */
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
    return cliStore();
  }
}

// Outside of the class, which a bundler would rename for the sake of a reference to itself.
function cliStore(): FileStore {
  return new FileStore(CLI);
}
