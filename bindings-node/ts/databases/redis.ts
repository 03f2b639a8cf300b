import { createHash } from 'node:crypto';
import type { CredentialStore } from '../credentialstore.js';
import { requireKey, requireOptions, wrong } from './arguments.js';

/** Replaces what is there if it is what the caller has seen; an empty text stands for nothing. */
const REPLACE = `
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
if ARGV[2] == '' then
  redis.call('DEL', KEYS[1])
elseif ARGV[3] == '' then
  redis.call('SET', KEYS[1], ARGV[2])
else
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
return 1`;
let digest: string | undefined;

/** `redis` (node-redis 5 and 6), as far as it is used: a client, a pool or a cluster. */
export interface NodeRedisClient {
  /** `GET` */
  get(key: string): Promise<unknown>;
  /** `EVALSHA` */
  evalSha(digest: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
  /** `EVAL` */
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
}

/** `ioredis`, as far as it is used: a client or a cluster. */
export interface IoRedisClient {
  /** `GET` */
  get(key: string): Promise<unknown>;
  /** `EVALSHA` */
  evalsha(digest: string, keys: number, ...keysAndArguments: string[]): Promise<unknown>;
  /** `EVAL` */
  eval(script: string, keys: number, ...keysAndArguments: string[]): Promise<unknown>;
}

/** A connected client of `redis` (node-redis) or `ioredis`. */
export type RedisClient = NodeRedisClient | IoRedisClient;

/** Options of a {@link RedisStore}. */
export interface RedisStoreOptions {
  /** What the names of the records begin with (`parallel-account:`). */
  prefix?: string | undefined;
  /**
   * Milliseconds after which a record expires, counted anew from each time that it is replaced. A
   * record that expires is a login that is lost, so there is no such limit unless it is set.
   */
  ttl?: number | undefined;
  /** As {@link CredentialStore.cacheFor}. */
  cacheFor?: number | undefined;
}

/**
 * Keeps the record in Redis, as the string `<prefix><key>`. The server must keep what it has
 * acknowledged (`appendonly yes`) and evict nothing (`maxmemory-policy noeviction`).
 *
 * ```js
 * const client = new AccountClient({ store: new RedisStore(redis, user.id) });
 * ```
 */
export class RedisStore implements CredentialStore {
  /** Set by the option of the same name. */
  declare readonly cacheFor?: number;
  readonly #client: RedisClient;
  readonly #name: string;
  readonly #ttl: string;

  /**
   * @param client The application's own, connected.
   * @param key Whose login it is, such as the ID of a user.
   * @throws {TypeError} For an argument of the wrong type.
   */
  constructor(client: RedisClient, key: string, options: RedisStoreOptions = {}) {
    const methods = client as Partial<NodeRedisClient & IoRedisClient> | null | undefined;
    if (typeof (methods?.evalSha ?? methods?.evalsha) !== 'function') {
      const advice = 'Pass the connected client, not its URL or options.';
      wrong('client', 'a client of redis (node-redis) or ioredis', client, advice);
    }
    requireKey(key);
    requireOptions(options, ['prefix', 'ttl', 'cacheFor']);
    const { prefix = 'parallel-account:', ttl, cacheFor } = options;
    if (typeof prefix !== 'string') {
      wrong('prefix', 'a string', prefix, 'Leave it out for parallel-account:.');
    }
    if (ttl !== undefined && !(Number.isSafeInteger(ttl) && ttl > 0)) {
      const advice = 'Leave it out for records that never expire.';
      wrong('ttl', 'a whole number of milliseconds greater than zero', ttl, advice);
    }
    this.#client = client;
    this.#name = prefix + key;
    this.#ttl = ttl === undefined ? '' : String(ttl);
    if (cacheFor !== undefined) this.cacheFor = cacheFor;
  }

  /** The record, or null. */
  async load(): Promise<string | null> {
    const record = await withoutArguments(this.#client.get(this.#name));
    return record === null || record === undefined ? null : String(record);
  }

  /** Replaces exactly `old` with `next`, by one script. */
  async replace(old: string | null, next: string | null): Promise<boolean> {
    const values = [old ?? '', next ?? '', this.#ttl];
    const replaced = await withoutArguments(this.#run(values));
    return Number(replaced) === 1;
  }

  async #run(values: string[]): Promise<unknown> {
    digest ??= createHash('sha1').update(REPLACE).digest('hex');
    try {
      return await this.#evaluate(digest, values, 'evalSha', 'evalsha');
    } catch (error) {
      // A server that has restarted, or another node of a cluster, does not know the script.
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return await this.#evaluate(REPLACE, values, 'eval', 'eval');
    }
  }

  /** The two libraries differ in how they take keys, and only one has `evalSha`. */
  #evaluate(
    script: string,
    values: string[],
    ours: 'evalSha' | 'eval',
    theirs: 'evalsha' | 'eval',
  ): Promise<unknown> {
    if ('evalSha' in this.#client) {
      return this.#client[ours](script, { keys: [this.#name], arguments: values });
    }
    return this.#client[theirs](script, 1, this.#name, ...values);
  }
}

/** Errors of ioredis carry the command with its arguments, which hold tokens. */
async function withoutArguments<T>(reply: Promise<T>): Promise<T> {
  try {
    return await reply;
  } catch (error) {
    if (error instanceof Error && 'command' in error) delete error.command;
    throw error;
  }
}
