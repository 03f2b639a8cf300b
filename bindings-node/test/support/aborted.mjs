// Its last call waits for a refresh, and is aborted when the parent says so; nothing else holds the
// process. Arguments: the file of the credentials, and what to do after the abort.

import { once } from 'node:events';
import { AccountClient, FileStore } from 'parallel-account';

const [file, then] = process.argv.slice(2);
const client = new AccountClient({ store: new FileStore(file), maxRetries: 0 });
const controller = new AbortController();
const running = client.balance.get({ signal: controller.signal });
await once(process, 'message');
controller.abort();
const error = await running.catch((error) => error);
process.send(error.name);
process.disconnect();
if (then === 'exit') {
  await client.settled();
  process.exit();
}
if (then === 'dispose') {
  await client[Symbol.asyncDispose]();
  process.exit();
}
