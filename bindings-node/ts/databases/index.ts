/**
 * Stores over a database client that the application already has. Importing this loads no driver.
 * @packageDocumentation
 */

export { type PostgresConnection, PostgresStore, type PostgresStoreOptions } from './postgres.js';
export {
  type IoRedisClient,
  type NodeRedisClient,
  type RedisClient,
  RedisStore,
  type RedisStoreOptions,
} from './redis.js';
export { type SqliteDatabase, SqliteStore, type SqliteStoreOptions } from './sqlite.js';
