import { AccountClient, MemoryStore } from 'parallel-account';

const calls = Number(process.argv[2]);
const client = new AccountClient({
  store: new MemoryStore(),
  [Symbol.for('parallel-account.time-scale')]: 20,
});
await client.login({ openBrowser: false, onPrompt: () => undefined });

/** 64 at once: every fourth one has a signal, every tenth is aborted, some fail. */
async function work(count) {
  let made = 0;
  const one = async () => {
    while (made < count) {
      made += 1;
      if (made % 10 === 0) {
        const controller = new AbortController();
        const call = client.balance.get({ signal: controller.signal });
        controller.abort();
        await call.catch(() => undefined);
      } else if (made % 7 === 0) {
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

function memory() {
  for (let i = 0; i < 5; i += 1) globalThis.gc();
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rss, heapUsed, external };
}

await work(Math.min(calls, 10_000));
const before = memory();
await work(calls);
const after = memory();
const mib = (bytes) => Math.round((bytes / 2 ** 20) * 10) / 10;
const growth = Object.fromEntries(
  Object.keys(before).map((what) => [what, mib(after[what] - before[what])]),
);
console.log(JSON.stringify({ growth, rss: mib(after.rss) }));
