// Memory stays flat over many calls, failed ones and aborted ones, and errors of stores. LONG=1 for
// ten times as many.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { startSandbox } from './support/sandbox.mjs';

const many = process.env.LONG === '1' ? 100_000 : 10_000;
// The allocator's arenas settle at about 20 MiB more and stay there; a leak continues.
const GROWTH_MIB = { rss: 32, heapUsed: 2, external: 1 };

let sandbox;
before(async () => {
  sandbox = await startSandbox('--interval', 0.05, '--approve-after', 0.01);
});
after(() => sandbox.stop());

test(`${many} calls, aborted ones and failed ones leave memory flat`, async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--expose-gc', join(import.meta.dirname, 'support', 'leak.mjs'), String(many), String(many)],
    { env: { ...process.env, ...sandbox.env } },
  );
  console.log(`growth in MiB after ${many} each: ${stdout.trim()}`);
  for (const [kind, growth] of Object.entries(JSON.parse(stdout))) {
    for (const [what, mib] of Object.entries(growth)) {
      assert.ok(mib < GROWTH_MIB[what], `${kind}: ${what} grew by ${mib} MiB`);
    }
  }
});
