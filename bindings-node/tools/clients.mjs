// Measures many clients in one process: failures, descriptors, memory per client.
//   node tools/clients.mjs [CLIENTS [DESCRIPTORS]]
// The built package of this checkout is used: run `tools/setup` first.

import { limited } from '../test/support/limited.mjs';

const [clients = 2000, limit = 1024] = process.argv.slice(2).map(Number);
const { failures, idle, most, back, made, called, closed } = await limited(
  limit,
  'clients.mjs',
  clients,
);
const failed = Object.values(failures).reduce((sum, count) => sum + count, 0);
console.log(`${clients} clients, 64 calls at once, at most ${limit} descriptors
failed calls        ${failed}
descriptors         ${idle} before, ${most} at most, ${back.left} more ${back.within} ms after close()
kB per client       resident / of it JavaScript
  made              ${made.rss} / ${made.heapUsed}
  after a call      ${called.rss} / ${called.heapUsed}
  after close()     ${closed.rss} / ${closed.heapUsed}`);
for (const [failure, count] of Object.entries(failures)) console.log(`${count} times ${failure}`);
process.exitCode = failed === 0 ? 0 : 1;
