// Several processes with one login: a cluster, and a forked child beside its parent.

import assert from 'node:assert/strict';
import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { promisify } from 'node:util';
import { AccountClient, FileStore } from 'parallel-account';
import { startSandbox } from './support/sandbox.mjs';

const support = join(import.meta.dirname, 'support');
let sandbox;
let folder;
let file;
before(async () => {
  sandbox = await startSandbox('--interval', 0.05, '--approve-after', 0.01);
});
after(() => sandbox.stop());
beforeEach(async () => {
  await sandbox.control('reset', {});
  folder = mkdtempSync(join(tmpdir(), 'parallel-account-'));
  file = join(folder, 'auth.json');
});
afterEach(() => rmSync(folder, { recursive: true }));

const environment = () => ({ ...process.env, ...sandbox.env });

/** What the server saw: one refresh, and nothing reused. */
async function refreshedOnce() {
  const counts = await sandbox.control('counts');
  assert.equal(counts.routes['token.refresh'], 1);
  assert.equal(counts.refresh_token_reuses, 0);
}

test('the workers of a cluster share one refresh, and one that is killed harms nobody', async () => {
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    [join(support, 'cluster.mjs'), file],
    { env: environment(), timeout: 60_000 },
  );
  assert.equal(stderr, '');
  assert.deepEqual(JSON.parse(stdout), {
    balances: [true, true, true],
    killedBy: 'SIGKILL',
    after: [true, true],
    codes: [0, 0],
  });
  await refreshedOnce();
});

test('a forked child has a client of its own beside its parent, whose calls continue', async () => {
  const store = new FileStore(file);
  const client = new AccountClient({
    ...sandbox.urls,
    store,
    [Symbol.for('parallel-account.time-scale')]: 20,
  });
  await client.login({ openBrowser: false, onPrompt: () => undefined });
  await sandbox.control('expire-access-token', {});
  const child = fork(join(support, 'child.mjs'), [file], { env: environment() });
  const ended = once(child, 'exit');
  const balances = await Promise.all([
    once(child, 'message').then(([balance]) => balance),
    ...Array.from({ length: 20 }, async () => (await client.balance.get()).creditBalanceCents),
  ]);
  assert.deepEqual(new Set(balances), new Set([5000]));
  assert.deepEqual(await ended, [0, null]);
  await refreshedOnce();
});
