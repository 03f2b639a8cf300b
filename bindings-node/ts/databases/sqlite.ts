import type { CredentialStore } from '../credentialstore.js';
import { requireKey, requireOptions, requireTable, TABLE, wrong } from './arguments.js';

/** A database of `node:sqlite`, `better-sqlite3` or `bun:sqlite`, as far as it is used. */
export interface SqliteDatabase {
  /** Compiles one statement. */
  prepare(sql: string): {
    /** The first row. */
    get(...values: string[]): unknown;
    /** How many rows were changed. */
    run(...values: string[]): { changes: number | bigint };
  };
}

/** Options of a {@link SqliteStore}. */
export interface SqliteStoreOptions {
  /** The table (`parallel_account_logins`). */
  table?: string | undefined;
  /** As {@link CredentialStore.cacheFor}. */
  cacheFor?: number | undefined;
}

/**
 * Keeps the record in a row of a table of SQLite, which {@link SqliteStore.schema} makes.
 *
 * ```js
 * const database = new DatabaseSync('app.db', { timeout: 5000 });
 * const client = new AccountClient({ store: new SqliteStore(database, user.id) });
 * ```
 *
 * Each method is one statement. Where several processes share the file, the database needs a
 * time-out for its lock, as above (`better-sqlite3` has one of 5 s by itself). `replace()` refuses to
 * work in an open transaction, as a pair would be lost if that is rolled back.
 */
export class SqliteStore implements CredentialStore {
  /** The statement that makes the table. */
  static get schema(): string {
    // A getter, for bundlers do not leave out a class that computes a property.
    return `CREATE TABLE IF NOT EXISTS ${TABLE} (
  key text PRIMARY KEY NOT NULL,
  record text NOT NULL,
  updated_at text NOT NULL DEFAULT CURRENT_TIMESTAMP
)`;
  }

  /** Set by the option of the same name. */
  declare readonly cacheFor?: number;
  readonly #database: SqliteDatabase;
  readonly #key: string;
  readonly #table: string;

  /**
   * @param database The application's own.
   * @param key Whose login it is, such as the ID of a user.
   * @throws {TypeError} For an argument of the wrong type.
   */
  constructor(database: SqliteDatabase, key: string, options: SqliteStoreOptions = {}) {
    if (typeof (database as SqliteDatabase | null)?.prepare !== 'function') {
      const advice = 'Pass the open database, not the path of its file.';
      wrong('database', 'a database of node:sqlite or better-sqlite3', database, advice);
    }
    requireKey(key);
    requireOptions(options, ['table', 'cacheFor']);
    this.#database = database;
    this.#key = key;
    this.#table = requireTable(options.table);
    if (options.cacheFor !== undefined) this.cacheFor = options.cacheFor;
  }

  /** The record, or null. */
  load(): string | null {
    const sql = `SELECT record FROM ${this.#table} WHERE key = ?`;
    const row = this.#database.prepare(sql).get(this.#key) as { record: string } | null | undefined;
    return row?.record ?? null;
  }

  /** Replaces exactly `old` with `next`, by one statement. */
  replace(old: string | null, next: string | null): boolean {
    this.#refuseTransaction();
    const table = this.#table;
    const run = (sql: string, ...values: string[]) =>
      Number(this.#database.prepare(sql).run(...values).changes) === 1;
    if (old === null) {
      if (next === null) return this.load() === null;
      const insert = `INSERT INTO ${table} (key, record) VALUES (?, ?) ON CONFLICT DO NOTHING`;
      return run(insert, this.#key, next);
    }
    if (next === null) {
      return run(`DELETE FROM ${table} WHERE key = ? AND record = ?`, this.#key, old);
    }
    const changes = 'record = ?, updated_at = CURRENT_TIMESTAMP';
    return run(`UPDATE ${table} SET ${changes} WHERE key = ? AND record = ?`, next, this.#key, old);
  }

  #refuseTransaction(): void {
    // The one is better-sqlite3's, the other node:sqlite's.
    const { inTransaction, isTransaction } = this.#database as {
      inTransaction?: unknown;
      isTransaction?: unknown;
    };
    if (inTransaction !== true && isTransaction !== true) return;
    throw new Error(
      'the database has an open transaction, and a login in it would be lost if it is rolled ' +
        'back. Give the store a connection of its own',
    );
  }
}
