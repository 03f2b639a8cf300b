// Processes and worker threads: what keeps them alive, what ends them, what they leave behind.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { startSandbox } from './support/sandbox.mjs';

const run = promisify(execFile);
const folder = join(import.meta.dirname, 'support');

let sandbox;
before(async () => {
  sandbox = await startSandbox('--interval', 0.05, '--approve-after', 0.01);
});
after(() => sandbox.stop());

/** A program with a client that has logged in. */
const START = `
  import { AccountClient, MemoryStore } from 'parallel-account';
  const client = new AccountClient({
    store: new MemoryStore(),
    [Symbol.for('parallel-account.time-scale')]: 20,
  });
  const login = () => client.login({ openBrowser: false, onPrompt: () => undefined });
`;

const program = (code, ...flags) =>
  run(process.execPath, [...flags, '--input-type=module', '--eval', START + code], {
    cwd: folder,
    // Without a display there is no browser to open.
    env: { ...process.env, ...sandbox.env, DISPLAY: '', WAYLAND_DISPLAY: '' },
    timeout: 30_000,
  });

describe('a process', () => {
  test('ends by itself with an idle client', async () => {
    const { stdout } = await program(`
      await login();
      await client.balance.get();
      console.log('done');
    `);
    assert.equal(stdout, 'done\n');
  });

  test('is kept alive by a pending call alone', async () => {
    const { stdout } = await program(`
      login().then(() => client.balance.get()).then(() => console.log('answered'));
    `);
    assert.equal(stdout, 'answered\n');
  });

  test('ends after an aborted call', async () => {
    const { stdout } = await program(`
      const started = await client.startLogin();
      const signal = AbortSignal.timeout(20);
      const error = await started.wait({ signal }).catch((error) => error);
      console.log(error === signal.reason);
    `);
    assert.match(stdout, /true|false/);
  });

  test('process.exit in the middle of calls', async () => {
    const { stderr } = await program(`
      await login();
      for (let i = 0; i < 100; i += 1) client.balance.get();
      setImmediate(() => process.exit(0));
    `);
    assert.equal(stderr, '');
  });

  test('no unhandled rejection is ours', async () => {
    const { stdout } = await program(
      `
      const quiet = (promise) => promise.catch(() => undefined);
      const fail = async () => { throw new Error('x'); };
      const later = () => new Promise((_, reject) => setImmediate(reject, new Error('x')));
      await quiet(client.balance.get());
      await quiet(client.balance.get({ signal: AbortSignal.abort() }));
      // The prompt fails before, while and after the browser would be opened.
      for (const openBrowser of [true, false]) {
        for (const onPrompt of [fail, later, () => { throw new Error('x'); }]) {
          await quiet(client.login({ openBrowser, onPrompt }));
        }
        const signal = AbortSignal.timeout(1);
        await quiet(client.login({ openBrowser, signal, onPrompt: later }));
      }
      const started = await client.startLogin();
      const waiting = quiet(started.wait());
      started.cancel();
      await waiting;
      for await (const event of await client.startLogin()) break;
      // Stores that fail, also when nobody waits for them any more.
      const store = { load: later, replace: fail };
      const failing = new AccountClient({ store, storeTimeout: 10 });
      await quiet(failing.balance.get());
      await quiet(failing.login({ openBrowser: false, onPrompt: fail }));
      store.load = () => null;
      await quiet(failing.login({ openBrowser: false, onPrompt: () => undefined }));
      store.load = () => new Promise((_, reject) => setTimeout(reject, 50, new Error('late')));
      await quiet(failing.status());
      // What is thrown need not have a text.
      store.load = () => { throw Object.assign(new Error(), { message: Symbol('s') }); };
      await quiet(failing.status());
      store.load = async () => { await failing.status(); };
      await quiet(failing.status());
      const controller = new AbortController();
      const calls = Array.from({ length: 50 }, () => client.status({ signal: controller.signal }));
      controller.abort();
      await Promise.allSettled(calls);
      await new Promise((resolve) => setTimeout(resolve, 100));
      console.log('quiet');
    `,
      '--unhandled-rejections=strict',
    );
    assert.equal(stdout, 'quiet\n');
  });

  test('an error shows who called', async () => {
    const { stdout } = await program(`
      async function readBalance() { return await client.balance.get(); }
      console.log(await readBalance().catch((error) => error.stack));
    `);
    assert.match(stdout, /LoginRequiredError: .*\n[\s\S]*readBalance/);
  });

  test('SIGTERM in the middle of a call ends it', async () => {
    const code = `${START} await login(); console.log('ready'); await (await client.startLogin()).wait();
      process.on('exit', () => undefined);`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', code], {
      cwd: folder,
      env: { ...process.env, ...sandbox.env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    child.kill('SIGTERM');
    const [, signal] = await once(child, 'exit');
    assert.ok(signal === 'SIGTERM' || signal === null);
  });
});

describe('worker threads', () => {
  const start = (mode) =>
    new Worker(join(folder, 'worker.mjs'), { workerData: { mode, urls: sandbox.urls } });

  test('each has a client; it ends by itself', async () => {
    const workers = Array.from({ length: 4 }, () => start('balance'));
    const exits = workers.map((worker) => once(worker, 'exit'));
    const messages = await Promise.all(workers.map((worker) => once(worker, 'message')));
    assert.deepEqual(messages.flat(), [5000, 5000, 5000, 5000]);
    assert.deepEqual((await Promise.all(exits)).flat(), [0, 0, 0, 0]);
  });

  test('terminated in the middle of calls, twenty times', async () => {
    for (let round = 0; round < 20; round += 1) {
      const worker = start('forever');
      await once(worker, 'message');
      await worker.terminate();
    }
    // The process and its other clients are unharmed.
    const worker = start('balance');
    assert.deepEqual(await once(worker, 'message'), [5000]);
  });

  test('terminated while the client waits for a store of the worker', async () => {
    const worker = start('store');
    await once(worker, 'message');
    await worker.terminate();
  });
});
