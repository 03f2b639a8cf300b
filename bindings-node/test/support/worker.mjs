import { parentPort, workerData } from 'node:worker_threads';
import { AccountClient, FileStore, MemoryStore } from 'parallel-account';

const { mode, urls } = workerData;
const make = (store) =>
  new AccountClient({ ...urls, store, [Symbol.for('parallel-account.time-scale')]: 20 });

if (mode === 'store') {
  const load = () => {
    parentPort.postMessage('asked');
    return new Promise(() => undefined);
  };
  await make({ load, replace: () => false }).status();
} else if (mode === 'file') {
  await make(new FileStore(workerData.file)).balance.get();
} else {
  const client = make(new MemoryStore());
  await client.login({ openBrowser: false, onPrompt: () => undefined });
  if (mode === 'forever') {
    const loop = async () => {
      for (;;) await client.balance.get();
    };
    for (let i = 0; i < 16; i += 1) loop();
    parentPort.postMessage('running');
  } else {
    const { creditBalanceCents } = await client.balance.get();
    parentPort.postMessage(creditBalanceCents);
  }
}
