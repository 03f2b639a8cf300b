// The stores of parallel-account/stores on real engines.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { inspect } from 'node:util';
import { Redis as IoRedis, Cluster as IoRedisCluster } from 'ioredis';
import { AccountClient } from 'parallel-account';
import { PostgresStore, RedisStore, SqliteStore } from 'parallel-account/stores';
import pg from 'pg';
import { createClient, createClientPool, createCluster, RESP_TYPES } from 'redis';
import { hasOneWinner, keepsOddTexts, keepsTheContract } from './support/contract.mjs';
import { betterSqlite, nodeSqlite } from './support/drivers.mjs';
import { startEngine } from './support/engines.mjs';
import { startSandbox } from './support/sandbox.mjs';

let sandbox;
let engines;
let folder;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'parallel-account-'));
  const names = ['redis', 'redis-cluster', 'postgres'];
  [sandbox, ...engines] = await Promise.all([
    startSandbox('--interval', 0.05),
    ...names.map((name) => startEngine(name)),
  ]);
  engines = Object.fromEntries(names.map((name, at) => [name, engines[at]]));
});
after(async () => {
  await Promise.all([sandbox.stop(), ...Object.values(engines).map((engine) => engine.end())]);
  rmSync(folder, { recursive: true });
});

/** What connects, with all that it says of a lost connection passed over. */
async function connected(client) {
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

const host = (url) => ({ host: new URL(url).hostname, port: Number(new URL(url).port) });
const quietly = (client) => client.on('error', () => undefined);

const redis = (options) => async () => {
  const client = await connected(createClient({ url: engines.redis.url, ...options }));
  return { make: (key) => new RedisStore(client, key), end: () => client.destroy(), client };
};

async function postgres(connection) {
  await connection.query('DROP TABLE IF EXISTS parallel_account_logins');
  await connection.query(PostgresStore.schema);
  return {
    make: (key, options) => new PostgresStore(connection, key, options),
    end: () => connection.end(),
    client: connection,
  };
}

function sqlite(database) {
  database.exec('DROP TABLE IF EXISTS parallel_account_logins');
  database.exec(SqliteStore.schema);
  return {
    make: (key, options) => new SqliteStore(database, key, options),
    end: () => database.close(),
    client: database,
  };
}

const kinds = {
  'node-redis': redis(),
  'node-redis, RESP3 and Buffers': async () => {
    const client = await connected(createClient({ url: engines.redis.url, RESP: 3 }));
    const mapped = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
    return { make: (key) => new RedisStore(mapped, key), end: () => client.destroy() };
  },
  'node-redis, a pool': async () => {
    const pool = await connected(createClientPool({ url: engines.redis.url }));
    return { make: (key) => new RedisStore(pool, key), end: () => pool.destroy() };
  },
  'node-redis, a cluster': async () => {
    const rootNodes = [{ url: engines['redis-cluster'].url }];
    const cluster = await connected(createCluster({ rootNodes }));
    return { make: (key) => new RedisStore(cluster, key), end: () => cluster.destroy() };
  },
  ioredis: async () => {
    const client = quietly(new IoRedis(engines.redis.url, { maxRetriesPerRequest: 1 }));
    const make = (key) => new RedisStore(client, key, { prefix: 'io:' });
    return { make, end: () => client.disconnect() };
  },
  'ioredis, a cluster with a prefix of its own': async () => {
    const nodes = [host(engines['redis-cluster'].url)];
    const cluster = quietly(new IoRedisCluster(nodes, { keyPrefix: 'app:' }));
    return { make: (key) => new RedisStore(cluster, key), end: () => cluster.disconnect() };
  },
  'pg, a pool': async () =>
    postgres(quietly(new pg.Pool({ connectionString: engines.postgres.url }))),
  'pg, a client': async () =>
    postgres(await connected(new pg.Client({ connectionString: engines.postgres.url }))),
  'pg, serializable': async () =>
    postgres(
      quietly(
        new pg.Pool({
          connectionString: engines.postgres.url,
          options: '-c default_transaction_isolation=serializable',
        }),
      ),
    ),
  'better-sqlite3': async () => sqlite(new (betterSqlite())(join(folder, 'better.db'))),
  'node:sqlite': async () =>
    sqlite(new (await nodeSqlite())(join(folder, 'node.db'), { timeout: 5000 })),
};
/** Why a driver cannot be had here. */
const lacking = {
  'better-sqlite3': betterSqlite() === undefined && 'it cannot be installed here',
  'node:sqlite': (await nodeSqlite()) === undefined && 'Node has it from 22.5 on',
};

const account = (store, more) =>
  new AccountClient({
    ...sandbox.urls,
    [Symbol.for('parallel-account.time-scale')]: 20,
    store,
    ...more,
  });
const login = (client) =>
  client.login({ openBrowser: false, onPrompt: ({ userCode }) => sandbox.approve(userCode) });

for (const [kind, open] of Object.entries(kinds)) {
  describe(kind, { skip: lacking[kind] }, () => {
    let opened;
    before(async () => {
      opened = await open();
    });
    after(() => opened?.end());

    test('is a cell', () => keepsTheContract(opened.make));
    test('keeps any text', () => keepsOddTexts(opened.make));
    test('a race has one winner', () => hasOneWinner(opened.make));

    test('keeps a login from its start to its logout', async () => {
      await sandbox.control('reset', {});
      const [one, other] = [account(opened.make('ada')), account(opened.make('ada'))];
      await login(one);
      for (let round = 1; round <= 3; round += 1) {
        await sandbox.control('expire-access-token', {});
        await Promise.all(
          [one, other].flatMap((client) => [1, 2, 3].map(() => client.balance.get())),
        );
        assert.equal(await sandbox.count('token.refresh'), round);
      }
      assert.equal((await sandbox.control('counts')).refresh_token_reuses, 0);
      await assert.rejects(account(opened.make('grace')).balance.get(), { code: 'login_required' });
      await other.logout();
      assert.equal((await one.status()).loggedIn, false);
    });
  });
}

describe('an engine that goes and comes back', () => {
  /** Retries what fails while a driver connects anew. */
  async function eventually(work) {
    for (;;) {
      try {
        return await work();
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }

  for (const [kind, engine, open] of [
    ['node-redis', 'redis', redis({ disableOfflineQueue: true })],
    ['ioredis', 'redis', kinds.ioredis],
    ['pg, a pool', 'postgres', kinds['pg, a pool']],
  ]) {
    test(kind, { timeout: 60_000 }, async (t) => {
      const { make, end } = await open();
      t.after(end);
      const store = make('restart');
      assert.equal(await store.replace(null, 'one'), true);
      await engines[engine].kill();
      const call = account(store).status();
      await assert.rejects(call, (error) => error.code === 'store' && error.cause instanceof Error);
      await assert.rejects(store.replace('one', 'two'));
      await engines[engine].start();
      assert.equal(await eventually(() => store.load()), 'one');
      // Redis does not know the script any more.
      assert.equal(await eventually(() => store.replace('one', 'two')), true);
      assert.equal(await store.load(), 'two');
      await store.replace('two', null);
    });
  }
});

describe('RedisStore', () => {
  test('keeps a string under prefix and key, for as long as ttl says', async (t) => {
    const { client, make, end } = await redis()();
    t.after(end);
    await make('layout').replace(null, 'record');
    assert.equal(await client.get('parallel-account:layout'), 'record');
    assert.equal(await client.pTTL('parallel-account:layout'), -1);
    const store = new RedisStore(client, 'layout', { prefix: 'app:', ttl: 60_000 });
    await store.replace(null, 'one');
    await client.pExpire('app:layout', 1000);
    await store.replace('one', 'two');
    assert.ok((await client.pTTL('app:layout')) > 50_000);
  });

  test('errors of ioredis do not show the record', async (t) => {
    const { make, end } = await kinds.ioredis();
    t.after(end);
    const plain = quietly(new IoRedis(engines.redis.url));
    t.after(() => plain.disconnect());
    await plain.lpush('io:wrong', 'a list');
    const store = make('wrong');
    for (const call of [
      store.load(),
      store.replace(null, 'the canary'),
      store.replace('x', null),
    ]) {
      await assert.rejects(call, (error) => {
        assert.match(error.message, /WRONGTYPE/);
        assert.doesNotMatch(inspect(error, { depth: null, showHidden: true }), /canary/);
        return true;
      });
    }
  });
});

describe('PostgresStore', () => {
  test('keeps a row, and when it was last replaced', async (t) => {
    const { client, make, end } = await kinds['pg, a pool']();
    t.after(end);
    const store = make('layout');
    await store.replace(null, 'one');
    const read = async () => (await client.query('SELECT * FROM parallel_account_logins')).rows[0];
    const first = await read();
    assert.deepEqual(
      { ...first, updated_at: null },
      { key: 'layout', record: 'one', updated_at: null },
    );
    await store.replace('one', 'two');
    assert.ok((await read()).updated_at > first.updated_at);
    await client.query('CREATE SCHEMA IF NOT EXISTS app');
    await client.query(
      'CREATE TABLE IF NOT EXISTS app.logins (LIKE parallel_account_logins INCLUDING ALL)',
    );
    await keepsTheContract((key) => make(key, { table: 'app.logins' }));
  });

  test('refuses to replace in an open transaction, and says what lacks', async (t) => {
    const { client, make, end } = await kinds['pg, a client']();
    t.after(end);
    await client.query('BEGIN');
    await assert.rejects(make('ada').replace(null, 'x'), /open transaction.*Give the store a pool/);
    await client.query('ROLLBACK');
    assert.equal(await make('ada').replace(null, 'x'), true);
    await client.query('DROP TABLE parallel_account_logins');
    const { message } = await account(make('ada'))
      .status()
      .catch((error) => error);
    assert.match(message, /load\(\) failed: relation "parallel_account_logins" does not exist/);
  });
});

describe('SqliteStore', () => {
  test('refuses to replace in an open transaction', {
    skip: lacking['better-sqlite3'],
  }, async (t) => {
    const { client, make, end } = await kinds['better-sqlite3']();
    t.after(end);
    client.exec('BEGIN');
    assert.throws(() => make('ada').replace(null, 'x'), /open transaction/);
    client.exec('ROLLBACK');
    assert.equal(make('ada').replace(null, 'x'), true);
  });
});

test('arguments of the wrong type are refused by name', async () => {
  const client = { get() {}, evalSha() {}, eval() {}, query() {}, prepare() {} };
  for (const Store of [RedisStore, PostgresStore, SqliteStore]) {
    for (const wrong of [undefined, null, {}, 'redis://localhost']) {
      assert.throws(
        () => new Store(wrong, 'ada'),
        /^TypeError: (client|connection|database) must be .*, not \w.*\. Pass the /,
      );
    }
    for (const key of [undefined, null, 7, '']) {
      assert.throws(
        () => new Store(client, key),
        /^TypeError: key must be a string that is not empty, not \w.*\. Pass the user's ID/,
      );
    }
    for (const key of ['a\0b', 'user-\ud800']) {
      assert.throws(() => new Store(client, key), /^TypeError: key must be without NUL/);
    }
    assert.throws(() => new Store(client, 'ada', { nonsense: 1 }), /no option nonsense/);
    assert.throws(() => new Store(client, 'ada', null), /options must be an object/);
    assert.equal(new Store(client, 'ada', { cacheFor: 500 }).cacheFor, 500);
    assert.doesNotMatch(inspect(new Store(client, 'ada')), /get/);
  }
  for (const ttl of [0, -1, 1.5, Number.NaN, '60']) {
    assert.throws(() => new RedisStore(client, 'ada', { ttl }), /ttl must be/);
  }
  for (const table of ['', 'a b', 'a;b', 'a.b.c', '"x"', 7]) {
    assert.throws(() => new PostgresStore(client, 'ada', { table }), /table must be/);
  }
});
