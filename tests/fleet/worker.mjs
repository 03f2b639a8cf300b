// The Node worker of the fleet; see README.md for what workers do.

import { AccountClient, AccountError } from 'parallel-account';
import { PostgresStore, RedisStore, SqliteStore } from 'parallel-account/stores';

const order = JSON.parse(process.argv[2]);

/** Makes a user's store, over the connections that all of them share. */
async function stores() {
  if (order.store === 'redis') {
    const { Redis } = await import('ioredis');
    const client = new Redis(order.url, { commandTimeout: 10_000, maxRetriesPerRequest: 3 });
    client.on('error', () => {});
    return (user) => new RedisStore(client, user);
  }
  if (order.store === 'postgres') {
    const { default: pg } = await import('pg');
    const pool = new pg.Pool({ connectionString: order.url, max: 2 });
    pool.on('error', () => {});
    return (user) => new PostgresStore(pool, user);
  }
  const { DatabaseSync } = await import('node:sqlite');
  const database = new DatabaseSync(order.url, { timeout: 10_000 });
  return (user) => new SqliteStore(database, user);
}

const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);
const store = await stores();
const clients = order.users.map((user) => [
  user,
  new AccountClient({ clientName: 'fleet', userAgent: order.name, store: store(user) }),
]);
let calls = 0;

async function use(task) {
  for (let turn = task; performance.now() < end; turn += 1) {
    const [user, client] = clients[turn % clients.length];
    const began = performance.now();
    try {
      await client.balance.get();
    } catch (error) {
      if (!(error instanceof AccountError)) throw error;
      const after = (performance.now() - began) / 1000;
      say({ at: Date.now() / 1000, after, user, code: error.code, message: error.message });
    }
    calls += 1;
    if (calls % 20 === 0) say({ calls });
    await new Promise((resolve) => setTimeout(resolve, order.pause * 1000));
  }
}

const end = performance.now() + order.seconds * 1000;
say({ ready: true });
await Promise.all(Array.from({ length: order.tasks }, (_, task) => use(task)));
for (const [, client] of clients) await client[Symbol.asyncDispose]();
process.stdout.write(`${JSON.stringify({ calls, done: true })}\n`, () => process.exit(0));
