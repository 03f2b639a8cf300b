// Prints the table of errors as they come in Node: code, class, message. Run `tools/setup` first.

import { list, provoke } from '../test/support/provoke.mjs';
import { startSandbox } from '../test/support/sandbox.mjs';

const sandbox = await startSandbox();
console.log('| code | class | message |\n|---|---|---|');
for (const entry of list) {
  const { name, message } = await provoke(sandbox, entry);
  console.log(
    `| ${entry.code} | ${name} | ${message.replaceAll(/127.0.0.1:\d+/g, '127.0.0.1:…')} |`,
  );
}
await sandbox.stop();
