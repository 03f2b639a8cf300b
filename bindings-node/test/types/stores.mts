// Compiled, never run: the stores with the drivers' own types.

import { Cluster, Redis as IoRedis } from 'ioredis';
import { AccountClient, type CredentialStore } from 'parallel-account';
import { PostgresStore, RedisStore, SqliteStore } from 'parallel-account/stores';
import pg from 'pg';
import { createClient, createClientPool, createCluster } from 'redis';

export function usage(): CredentialStore[] {
  const pool = new pg.Pool();
  const stores = [
    new RedisStore(createClient(), 'ada'),
    new RedisStore(createClient({ RESP: 3 }), 'ada', { ttl: 1000 }),
    new RedisStore(createClientPool(), 'ada'),
    new RedisStore(createCluster({ rootNodes: [] }), 'ada'),
    new RedisStore(new IoRedis(), 'ada', { prefix: 'app:' }),
    new RedisStore(new Cluster([]), 'ada'),
    new PostgresStore(pool, 'ada', { table: 'app.logins', cacheFor: 500 }),
    new PostgresStore(new pg.Client(), 'ada'),
    new SqliteStore({ prepare: () => ({ get: () => 0, run: () => ({ changes: 1n }) }) }, 'ada'),
  ];
  const schema: string = PostgresStore.schema + SqliteStore.schema;
  // @ts-expect-error a URL is no client
  new RedisStore('redis://127.0.0.1', schema);
  // @ts-expect-error the store needs a key
  new PostgresStore(pool);
  // @ts-expect-error one database is not another
  new SqliteStore(pool, 'ada');
  for (const store of stores) new AccountClient({ store });
  return stores;
}
