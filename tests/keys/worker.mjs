// The Node worker of the keys suite; see README.md for what workers do.

import { createInterface } from 'node:readline';
import { AccountClient, AccountError, FileStore } from 'parallel-account';
import { RedisStore } from 'parallel-account/stores';

const [place, name] = process.argv.slice(2);

async function makeStore() {
  if (!place.startsWith('redis:')) return new FileStore(place);
  const { Redis } = await import('ioredis');
  return new RedisStore(new Redis(place, { commandTimeout: 10_000 }), 'user');
}

const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);
const client = new AccountClient({
  clientName: 'keys',
  userAgent: name,
  store: await makeStore(),
});
const orders = {
  get: async () => ({ key: (await client.apiKey()).expose() }),
  renew: async () => ({ key: (await client.renewApiKey()).expose() }),
  logout: async () => (await client.logout()) ?? {},
};
say({ ready: true });
for await (const order of createInterface({ input: process.stdin })) {
  try {
    say(await orders[order]());
  } catch (error) {
    if (!(error instanceof AccountError)) throw error;
    say({ code: error.code, message: error.message });
  }
}
process.exit(0);
