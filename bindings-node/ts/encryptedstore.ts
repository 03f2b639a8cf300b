import { types } from 'node:util';
import { unwrap } from './bridge.js';
import {
  optionalBoolean,
  optionalString,
  refuse,
  requireOptions,
  requireString,
} from './checks.js';
import type { CredentialStore } from './credentialstore.js';
import { ConfigError } from './errors.js';
import { checkedRecord, checkedReplaced } from './hoststore.js';
import { kindOf } from './kind.js';
import { type NativeCipher, type NativeEncryptedCall, native } from './native.js';
import { requireStore } from './requirestore.js';

/** Options of an {@link EncryptedStore}. */
export interface EncryptedStoreOptions {
  /**
   * Whose record it is, such as the user's ID; at most 256 bytes. It is stored in the clear (`sub`),
   * and a record of another subject is refused, so that nobody who can write to the database can
   * hand one user another user's login.
   */
  subject?: string | undefined;
  /**
   * Whether records from before encryption was switched on are read as well; they are encrypted when
   * they are next written. False by default: switch it off again once all records are encrypted.
   */
  acceptPlaintext?: boolean | undefined;
}

const KNOWN = ['subject', 'acceptPlaintext'] as const;

/** What a client needs of a store that encrypts. */
interface Parts {
  /** Not an encrypted one itself. */
  readonly store: CredentialStore;
  readonly cipher: NativeCipher;
}

const parts = new WeakMap<CredentialStore, Parts>();

/**
 * The store that is wrapped in the end, and what encrypts.
 * @internal
 */
export function unwrapped(store: CredentialStore): {
  store: CredentialStore;
  cipher?: NativeCipher;
} {
  return parts.get(store) ?? { store };
}

/**
 * Encrypts the record that another store keeps: a built-in one or one of yours.
 *
 * What is stored is a JWE (RFC 7516) in compact serialization: `alg` is `dir`, `enc` is `A256GCM`,
 * `kid` is the key's ID. The first key encrypts, and all keys decrypt. To rotate, put a new key
 * first and keep the old ones until every record has been written again, which a refresh does, and
 * `await store.replace(record, record)`.
 *
 * It is a store itself: {@link load} and {@link replace} take and return decrypted records, and call
 * the wrapped store in the caller's context. A record that cannot be decrypted rejects with a
 * {@link StoreError} and is never overwritten.
 */
export class EncryptedStore implements CredentialStore {
  readonly #store: CredentialStore;
  readonly #cipher: NativeCipher;

  /**
   * @param store Where the encrypted record is kept.
   * @param keys From IDs (1 to 64 printable ASCII characters, stored in the clear) to keys (exactly
   *   32 random bytes). An object orders IDs that are integers by itself, so those need a Map.
   * @throws {ConfigError} A key, an ID or an option is invalid.
   */
  constructor(
    store: CredentialStore,
    keys: Readonly<Record<string, Uint8Array>> | ReadonlyMap<string, Uint8Array>,
    options: EncryptedStoreOptions = {},
  ) {
    requireStore(store);
    requireOptions(options, KNOWN, ConfigError);
    optionalString('subject', options.subject, ConfigError);
    // Encoded as UTF-8, all lone surrogates are the same subject.
    if (/\p{Surrogate}/u.test(options.subject ?? '')) {
      refuse('subject must not contain lone surrogates', ConfigError);
    }
    optionalBoolean('acceptPlaintext', options.acceptPlaintext, ConfigError);
    const [ids, bytes] = keyPairs(keys);
    const inner = unwrapped(store);
    this.#store = store;
    this.#cipher = unwrap(
      native.openCipher(
        ids,
        bytes,
        options.subject,
        options.acceptPlaintext ?? false,
        inner.cipher,
      ),
    );
    parts.set(this, { store: inner.store, cipher: this.#cipher });
  }

  /** Where the wrapped store keeps the record, for display. */
  get location(): string {
    const { location } = this.#store as { location?: unknown };
    return typeof location === 'string' ? location : 'a store of the application';
  }

  /**
   * The decrypted record; it holds the tokens.
   * @throws {StoreError} It cannot be decrypted. What the wrapped store throws comes through.
   */
  async load(): Promise<string | null> {
    return (await this.#run(this.#cipher.load())).record ?? null;
  }

  /**
   * Atomically replaces exactly `old` with `next`, both decrypted; null stands for no record.
   * @returns False if the record was not `old`; nothing changed then.
   * @throws {StoreError} As {@link load}.
   */
  async replace(old: string | null, next: string | null): Promise<boolean> {
    if (old !== null) requireString('old', old);
    if (next !== null) requireString('next', next);
    const call = this.#cipher.replace(old ?? undefined, next ?? undefined);
    return (await this.#run(call)).replaced === true;
  }

  async #run(call: NativeEncryptedCall) {
    let step = unwrap(call.start());
    for (;;) {
      if (step.kind === 'load') {
        step = unwrap(call.loaded(checkedRecord(await this.#store.load())));
      } else if (step.kind === 'replace') {
        const replaced = await this.#store.replace(step.old ?? null, step.new ?? null);
        step = unwrap(call.replaced(checkedReplaced(replaced)));
      } else {
        return step;
      }
    }
  }
}

/** Messages name a key by its place: what is in the wrong place may be a secret. */
function keyPairs(keys: unknown): [ids: string[], bytes: Uint8Array[]] {
  const what = 'keys must be an object or a Map from IDs to Uint8Arrays';
  if (
    typeof keys !== 'object' ||
    keys === null ||
    Array.isArray(keys) ||
    types.isUint8Array(keys)
  ) {
    refuse(`${what}, not ${types.isUint8Array(keys) ? 'a Uint8Array' : kindOf(keys)}`, ConfigError);
  }
  const isMap = types.isMap(keys);
  const pairs: [unknown, unknown][] = isMap ? [...keys] : Object.entries(keys);
  const ids: string[] = [];
  const bytes: Uint8Array[] = [];
  for (const [index, [id, key]] of pairs.entries()) {
    if (typeof id !== 'string' || !types.isUint8Array(key)) {
      refuse(`${what}; key ${index + 1} is something else`, ConfigError);
    }
    ids.push(id);
    bytes.push(key);
  }
  if (!isMap && pairs.length > 1 && ids.some((id) => /^\d+$/.test(id))) {
    refuse(
      'keys must be a Map if an ID is an integer: an object would put that ID first, and the ' +
        'first key encrypts',
      ConfigError,
    );
  }
  return [ids, bytes];
}
