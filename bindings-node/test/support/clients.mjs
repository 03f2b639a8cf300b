// Many clients in one process, each with a login of its own, 64 calls at once. Prints as JSON what
// failed, how many descriptors were open, and what a client takes. Argument: how many clients.

import { readdirSync } from 'node:fs';
import { AccountClient, MemoryStore } from 'parallel-account';

const AT_ONCE = 64;
const many = Number(process.argv[2]);
const FAST = { [Symbol.for('parallel-account.time-scale')]: 20 };

/** Without the one that lists them. */
const descriptors = () => readdirSync('/proc/self/fd').length - 1;

const first = new MemoryStore();
const warm = new AccountClient({ store: first, ...FAST });
// The runtime starts, without any connection.
await warm.status();
const idle = descriptors();
await warm.login({ openBrowser: false, onPrompt: () => undefined });
await warm.balance.get();
const record = await first.load();

async function memory() {
  for (let i = 0; i < 5; i += 1) {
    globalThis.gc();
    // What is native is freed after a collection, not in it.
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { rss, heapUsed } = process.memoryUsage();
  return { rss, heapUsed };
}

/** Kilobytes per client since `before`. */
async function growth(before) {
  const now = await memory();
  const each = (what) => [what, Math.round(((now[what] - before[what]) / 1024 / many) * 10) / 10];
  return Object.fromEntries(Object.keys(now).map(each));
}

async function callAll(clients) {
  const failures = {};
  let next = 0;
  let most = 0;
  const worker = async () => {
    while (next < clients.length) {
      const client = clients[next];
      next += 1;
      await client.balance.get().catch(({ code, message }) => {
        failures[`${code}: ${message}`] = (failures[`${code}: ${message}`] ?? 0) + 1;
      });
      most = Math.max(most, descriptors());
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return { failures, most };
}

const before = await memory();
const clients = Array.from(
  { length: many },
  () => new AccountClient({ store: new MemoryStore(record), ...FAST }),
);
const made = await growth(before);
const { failures, most } = await callAll(clients);
const called = await growth(before);

warm.close();
for (const client of clients) client.close();
const began = performance.now();
// The runtime's threads drop what was closed; a second is more than they need.
while (descriptors() > idle && performance.now() - began < 1000) {
  await new Promise((resolve) => setTimeout(resolve, 1));
}
const back = { left: descriptors() - idle, within: Math.round(performance.now() - began) };
clients.length = 0;
const closed = await growth(before);

console.log(JSON.stringify({ failures, idle, most, back, made, called, closed }));
