// The command in a process of its own, against a local Parallel: `npm test`.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { startSandbox } from 'parallel-account-sandbox';

let sandbox;
let home;

before(async () => {
  sandbox = await startSandbox();
});
after(() => sandbox.stop());

beforeEach(async () => {
  await sandbox.reset();
  home = await mkdtemp(join(tmpdir(), 'credits-'));
});
afterEach(() => rm(home, { recursive: true }));

/** Runs the command with a home folder of its own, in which it finds the sandbox. */
async function credits(...args) {
  const env = { ...process.env, ...sandbox.environment({ home }) };
  const child = spawn(process.execPath, [join(import.meta.dirname, 'credits.js'), ...args], {
    env,
  });
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) {
    child[name].setEncoding('utf8').on('data', (text) => {
      said[name] += text;
    });
  }
  const [status] = await once(child, 'close');
  return { status, ...said };
}

test('logs in, shows the balance, logs out', async () => {
  const login = credits('login');
  await sandbox.approve();
  const { stdout, stderr } = await login;
  assert.equal(stdout, 'Logged in to Sandbox Inc.\n');
  const [{ userCode }] = await sandbox.deviceCodes();
  assert.ok(stderr.includes(userCode));

  await sandbox.setBalance(1250);
  assert.deepEqual(await credits(), { status: 0, stdout: '12.50 USD\n', stderr: '' });

  assert.equal((await credits('logout')).stdout, 'Logged out.\n');
  assert.equal((await credits()).status, 3);
});

test('a login that is denied', async () => {
  const login = credits('login');
  await sandbox.deny();
  const { status, stderr } = await login;
  assert.equal(status, 1);
  assert.match(stderr, /credits: .*denied/);
});

test('nobody is logged in', async () => {
  const { status, stdout, stderr } = await credits();
  assert.deepEqual([status, stdout], [3, '']);
  assert.match(stderr, /Run: credits login/);
});

test('Parallel is down', async () => {
  const login = credits('login');
  await sandbox.approve();
  await login;
  await sandbox.breakNetwork();
  const { status, stderr } = await credits();
  assert.equal(status, 1);
  assert.match(stderr, /^credits: /);
});
