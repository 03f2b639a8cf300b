// Many clients in one process: no call fails, descriptors stay few, and a client costs little.
// `tools/clients.mjs` prints the figures. LONG=1 for four times as many.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { limited } from './support/limited.mjs';

const many = process.env.LONG === '1' ? 2000 : 500;
/** As many for each client as 2,000 have of 1,024. */
const descriptors = many === 2000 ? 1024 : 256;
const KILOBYTES_EACH = 40;
/** Sockets for 64 calls at once, twice over: the runtime's and the background's. */
const SOCKETS = 160;

test(`${many} clients, 64 calls at once, ${descriptors} descriptors`, async () => {
  const { failures, idle, most, back, made, called } = await limited(
    descriptors,
    'clients.mjs',
    many,
  );
  assert.deepEqual(failures, {});
  assert.ok(most - idle < SOCKETS, `${most - idle} more descriptors than at the start`);
  assert.equal(back.left, 0, 'close() gives them back');
  console.log(`kB per client: ${made.rss} made, ${called.rss} after a call`);
  assert.ok(called.rss < KILOBYTES_EACH, `${called.rss} kB per client`);
});

test('without a free descriptor: an error that says so, and a client that works afterwards', async () => {
  const { starting, connecting, creditBalanceCents } = await limited(64, 'exhausted.mjs');
  assert.match(starting.message, /native runtime could not be started .*ulimit -n/);
  for (const { code, message } of [starting, connecting]) {
    assert.equal(code, 'connection');
    assert.match(message, /descriptors|open files/);
  }
  assert.equal(creditBalanceCents, 5000);
});

test('1,000 calls at once, each of which looks up its host, take few threads', async () => {
  const file = join(import.meta.dirname, 'support', 'lookups.mjs');
  const { stdout } = await promisify(execFile)(process.execPath, [file]);
  const { threads } = JSON.parse(stdout);
  assert.ok(threads <= 16, `${threads} more threads than after one call`);
});
