// Prints by how many MiB memory grew. Arguments: how many calls, and how many of them aborted or
// failed by their store.

import { AccountClient, MemoryStore } from 'parallel-account';

const [calls, aborted] = process.argv.slice(2).map(Number);
const client = new AccountClient({
  store: new MemoryStore(),
  [Symbol.for('parallel-account.time-scale')]: 20,
});
await client.login({ openBrowser: false, onPrompt: () => undefined });

/** 64 at once: every fourth one has a signal, every seventh fails. */
async function work(count) {
  let made = 0;
  const one = async () => {
    while (made < count) {
      made += 1;
      if (made % 7 === 0) {
        await client.apps.delete('no UUID').catch(() => undefined);
      } else if (made % 4 === 0) {
        await client.balance.get({ signal: new AbortController().signal });
      } else {
        await client.balance.get();
      }
    }
  };
  await Promise.all(Array.from({ length: 64 }, one));
}

/** As many, aborted: a half at once, the others while they are on their way. */
async function abort(count) {
  let made = 0;
  const one = async () => {
    while (made < count) {
      made += 1;
      const controller = new AbortController();
      const call = client.balance.get({ signal: controller.signal });
      if (made % 2 === 0) await new Promise((resolve) => setImmediate(resolve));
      controller.abort();
      await call.catch(() => undefined);
    }
  };
  await Promise.all(Array.from({ length: 64 }, one));
  await client.settled();
}

/** As many that fail by their store, whose errors are kept for the native side. */
async function fail(count) {
  const load = async () => {
    throw new Error('the database is down');
  };
  const failing = new AccountClient({ store: { load, replace: () => false } });
  let made = 0;
  const one = async () => {
    while (made < count) {
      made += 1;
      await failing.status().catch(() => undefined);
    }
  };
  await Promise.all(Array.from({ length: 64 }, one));
}

function memory() {
  for (let i = 0; i < 5; i += 1) globalThis.gc();
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rss, heapUsed, external };
}

async function growth(of, count) {
  // Once before: what is allocated once and for all is no leak.
  await of(Math.min(count, 5_000));
  const before = memory();
  await of(count);
  const after = memory();
  const mib = (what) => [what, Math.round(((after[what] - before[what]) / 2 ** 20) * 10) / 10];
  return Object.fromEntries(Object.keys(before).map(mib));
}

const grown = {
  calls: await growth(work, calls),
  aborted: await growth(abort, aborted),
  failed: await growth(fail, aborted),
};
console.log(JSON.stringify(grown));
