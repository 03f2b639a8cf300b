import type { CredentialStore } from '../credentialstore.js';
import { requireKey, requireOptions, requireTable, TABLE, wrong } from './arguments.js';

/** A `Pool`, a `Client` or a client of a pool of `pg`, as far as it is used. */
export interface PostgresConnection {
  /** Runs one statement. */
  query(text: string, values: string[]): Promise<{ rows: unknown[]; rowCount: number | null }>;
}

/** Options of a {@link PostgresStore}. */
export interface PostgresStoreOptions {
  /** The table (`parallel_account_logins`), with its schema where need be: `app.logins`. */
  table?: string | undefined;
  /** As {@link CredentialStore.cacheFor}. */
  cacheFor?: number | undefined;
}

/**
 * Keeps the record in a row of a table of PostgreSQL, which {@link PostgresStore.schema} makes: run
 * it with the application's migrations.
 *
 * ```js
 * const client = new AccountClient({ store: new PostgresStore(pool, user.id) });
 * ```
 *
 * Each method is one statement of its own. Give it a pool, or a connection without an open
 * transaction: a pair in a transaction that is rolled back would be lost, so that `replace()` refuses
 * to work in one.
 */
export class PostgresStore implements CredentialStore {
  /** The statement that makes the table. */
  static get schema(): string {
    // A getter, for bundlers do not leave out a class that computes a property.
    return `CREATE TABLE IF NOT EXISTS ${TABLE} (
  key text PRIMARY KEY,
  record text NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT now()
)`;
  }

  /** Set by the option of the same name. */
  declare readonly cacheFor?: number;
  readonly #connection: PostgresConnection;
  readonly #key: string;
  readonly #table: string;

  /**
   * @param connection The application's own pool or client.
   * @param key Whose login it is, such as the ID of a user.
   * @throws {TypeError} For an argument of the wrong type.
   */
  constructor(connection: PostgresConnection, key: string, options: PostgresStoreOptions = {}) {
    if (typeof (connection as PostgresConnection | null)?.query !== 'function') {
      const advice = 'Pass the pool, not its URL or options.';
      wrong('connection', 'a Pool or a Client of pg', connection, advice);
    }
    requireKey(key);
    requireOptions(options, ['table', 'cacheFor']);
    this.#connection = connection;
    this.#key = key;
    this.#table = requireTable(options.table);
    if (options.cacheFor !== undefined) this.cacheFor = options.cacheFor;
  }

  /** The record, or null. */
  async load(): Promise<string | null> {
    const sql = `SELECT record FROM ${this.#table} WHERE key = $1`;
    const { rows } = await this.#connection.query(sql, [this.#key]);
    const [row] = rows as { record: string }[];
    return row?.record ?? null;
  }

  /** Replaces exactly `old` with `next`, by one statement. */
  async replace(old: string | null, next: string | null): Promise<boolean> {
    this.#refuseTransaction();
    const [sql, ...values] = this.#statement(old, next);
    try {
      const { rowCount } = await this.#connection.query(sql, [this.#key, ...values]);
      return rowCount === 1;
    } catch (error) {
      // Where the application asks for stricter isolation than PostgreSQL's own.
      if ((error as { code?: unknown } | null)?.code === SERIALIZATION_FAILURE) return false;
      throw error;
    }
  }

  #statement(old: string | null, next: string | null): [sql: string, ...values: string[]] {
    const table = this.#table;
    if (old === null) {
      if (next === null) return [`SELECT 1 WHERE NOT EXISTS (SELECT FROM ${table} WHERE key = $1)`];
      const insert = `INSERT INTO ${table} (key, record) VALUES ($1, $2) ON CONFLICT DO NOTHING`;
      return [insert, next];
    }
    if (next === null) return [`DELETE FROM ${table} WHERE key = $1 AND record = $2`, old];
    const changes = 'record = $3, updated_at = now()';
    return [`UPDATE ${table} SET ${changes} WHERE key = $1 AND record = $2`, old, next];
  }

  #refuseTransaction(): void {
    const connection = this.#connection as { getTransactionStatus?: () => unknown };
    const status = connection.getTransactionStatus?.();
    if (status !== 'T' && status !== 'E') return;
    throw new Error(
      'the connection has an open transaction, and a login in it would be lost if it is rolled ' +
        'back. Give the store a pool or a connection of its own',
    );
  }
}

const SERIALIZATION_FAILURE = '40001';
