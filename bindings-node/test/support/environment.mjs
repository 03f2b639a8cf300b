// Posts what a client of this worker does: its balance, or the error's code and message.

import { parentPort, workerData } from 'node:worker_threads';
import { AccountClient, MemoryStore } from 'parallel-account';

const { record, options } = workerData;
try {
  const store = record === undefined ? {} : { store: new MemoryStore(record) };
  const client = new AccountClient({ ...store, maxRetries: 0, ...options });
  const { creditBalanceCents } = await client.balance.get();
  parentPort.postMessage({ cents: creditBalanceCents });
} catch (error) {
  parentPort.postMessage({ code: error.code, message: error.message });
}
