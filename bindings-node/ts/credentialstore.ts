/**
 * Where a client keeps its credentials: one cell with one opaque string, the record of one user.
 * Implement this interface to keep it in a database. Both methods may be synchronous or
 * asynchronous.
 *
 * Any number of processes may share a record. No login is lost as long as {@link replace} is
 * atomic, which takes one statement in every database:
 *
 * ```sql
 * UPDATE logins SET record = :new WHERE user_id = :user AND record = :old
 * ```
 *
 * A method that throws, or that takes longer than the client's `storeTimeout`, fails the call with
 * a {@link StoreError} whose `cause` is what the method threw. A store must not call the client
 * that it serves: such a call rejects with a {@link ConfigError}.
 */
export interface CredentialStore {
  /** The record, or null where there is none. Undefined will do, too. */
  load(): string | null | undefined | PromiseLike<string | null | undefined>;
  /**
   * Atomically puts `next` in place of exactly `old`. It is durable before this returns: a refresh
   * token works once.
   * @param old The record as loaded; null: there must be no record (`INSERT … ON CONFLICT DO
   *   NOTHING`).
   * @param next What is to be stored; null: delete the record (`DELETE … WHERE record = :old`).
   * @returns True if the record was replaced; false if it was not `old` any more, and nothing
   *   changed. In SQL: whether the statement changed one row.
   */
  replace(old: string | null, next: string | null): boolean | PromiseLike<boolean>;
  /**
   * How long a loaded record may serve calls before it is loaded again, in milliseconds; default 0.
   * At most 86,400,000 (a day); read when the client is made. A refresh loads the record in any
   * case, so this only delays when a call notices that another process has logged in or out.
   */
  readonly cacheFor?: number | undefined;
}
