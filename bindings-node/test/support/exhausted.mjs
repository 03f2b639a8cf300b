// What a call says in a process without a free descriptor, before the runtime has started and after,
// and that the client works again once there are some. Prints the errors as JSON.

import { closeSync, openSync } from 'node:fs';
import { AccountClient, MemoryStore } from 'parallel-account';

const client = new AccountClient({
  store: new MemoryStore(),
  maxRetries: 0,
  [Symbol.for('parallel-account.time-scale')]: 20,
});

/** What `call` fails with while all descriptors are taken. */
async function exhausted(call) {
  const files = [];
  try {
    for (;;) files.push(openSync('/dev/null'));
  } catch {
    // That was the last one.
  }
  const error = await call().catch((error) => error);
  for (const file of files) closeSync(file);
  return { code: error.code, message: error.message };
}

const starting = await exhausted(() => client.status());
await client.status();
const connecting = await exhausted(() => client.oauth.register());
await client.login({ openBrowser: false, onPrompt: () => undefined });
const { creditBalanceCents } = await client.balance.get();
console.log(JSON.stringify({ starting, connecting, creditBalanceCents }));
