// A cluster whose workers share one login in a file. The primary logs in, lets the token expire and
// has every worker call at once; then one is killed in the middle of calls, and the others continue.
// Prints what happened as JSON. Argument: the file.

import cluster from 'node:cluster';
import { once } from 'node:events';
import { AccountClient, FileStore } from 'parallel-account';

const WORKERS = 3;
const [file] = process.argv.slice(2);
const store = new FileStore(file);
const client = new AccountClient({ store, [Symbol.for('parallel-account.time-scale')]: 20 });

if (cluster.isPrimary) {
  await client.login({ openBrowser: false, onPrompt: () => undefined });
  const text = await store.load();
  const record = JSON.parse(text);
  for (const { control_api } of Object.values(record.orgs)) control_api.access_token_expires_at = 1;
  await store.replace(text, JSON.stringify(record));

  const workers = Array.from({ length: WORKERS }, () => cluster.fork());
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  const ask = async (worker, what) => {
    worker.send(what);
    return (await once(worker, 'message'))[0];
  };
  const balances = await Promise.all(workers.map((worker) => ask(worker, 'twenty')));

  const [victim, ...others] = workers;
  await ask(victim, 'forever');
  const ended = once(victim, 'exit');
  victim.process.kill('SIGKILL');
  const [, killedBy] = await ended;
  const after = await Promise.all(others.map((worker) => ask(worker, 'twenty')));

  const exits = others.map((worker) => once(worker, 'exit'));
  for (const worker of others) worker.disconnect();
  const codes = (await Promise.all(exits)).map(([code]) => code);
  console.log(JSON.stringify({ balances, killedBy, after, codes }));
} else {
  process.on('message', async (what) => {
    if (what === 'forever') {
      const loop = async () => {
        for (;;) await client.balance.get();
      };
      for (let i = 0; i < 16; i += 1) loop();
      process.send('running');
      return;
    }
    const calls = Array.from({ length: 20 }, () => client.balance.get());
    const all = await Promise.all(calls);
    process.send(all.every((balance) => balance.creditBalanceCents === 5000));
  });
  process.send('ready');
}
