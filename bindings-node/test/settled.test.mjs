// A refresh whose callers were all aborted is brought to its end before the process ends.

import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { AccountClient, FileStore } from 'parallel-account';
import { startSandbox } from './support/sandbox.mjs';

let sandbox;
let folder;
let store;
before(async () => {
  sandbox = await startSandbox('--interval', 0.05, '--approve-after', 0.01);
});
after(() => sandbox.stop());
afterEach(() => rmSync(folder, { recursive: true }));
beforeEach(async () => {
  await sandbox.control('reset', {});
  folder = mkdtempSync(join(tmpdir(), 'parallel-account-'));
  store = new FileStore(join(folder, 'auth.json'));
  const client = make();
  await client.login({ openBrowser: false, onPrompt: () => undefined });
  await expire();
});

const make = () =>
  new AccountClient({
    ...sandbox.urls,
    store,
    [Symbol.for('parallel-account.time-scale')]: 20,
  });

/** Lets the access token of the file expire, by its own clock too. */
async function expire() {
  const text = await store.load();
  const record = JSON.parse(text);
  for (const { control_api } of Object.values(record.orgs)) control_api.access_token_expires_at = 1;
  assert.ok(await store.replace(text, JSON.stringify(record)));
}

async function until(condition) {
  while (!(await condition())) await new Promise((resolve) => setImmediate(resolve));
}

/** A process whose last call was aborted in the middle of a refresh; answers how it ended. */
async function aborted(then) {
  const child = fork(
    join(import.meta.dirname, 'support', 'aborted.mjs'),
    [join(folder, 'auth.json'), then],
    { env: { ...process.env, ...sandbox.env } },
  );
  await until(async () => (await sandbox.count('token.refresh')) > 0);
  child.send('abort');
  assert.deepEqual(await once(child, 'message'), ['AbortError', undefined]);
  const began = performance.now();
  const [code, signal] = await once(child, 'exit');
  return { code, signal, took: performance.now() - began };
}

describe('a process whose last call was aborted in the middle of a refresh', () => {
  for (const then of ['ends by itself', 'exit', 'dispose']) {
    test(`${then}: the new pair is in the file`, async () => {
      const before = await store.load();
      await sandbox.fault({ route: 'token.refresh', delay_answer_ms: 1000 });
      const { code } = await aborted(then);
      assert.equal(code, 0);
      assert.notEqual(await store.load(), before);
      // No second refresh, and above all not with the pair that is used up.
      await make().balance.get();
      const counts = await sandbox.control('counts');
      assert.equal(counts.routes['token.refresh'], 1);
      assert.equal(counts.refresh_token_reuses, 0);
    });
  }

  test('is not kept for long by a service that is silent', async () => {
    await sandbox.fault({ route: 'token.refresh', delay_ms: 60_000 });
    const { code, took } = await aborted('ends by itself');
    assert.equal(code, 0);
    assert.ok(took < 20_000, `it took ${took} ms`);
  });
});

test('a worker that is terminated in the middle of a refresh leaves it to the process', async () => {
  const before = await store.load();
  await sandbox.fault({ route: 'token.refresh', delay_answer_ms: 300 });
  const worker = new Worker(join(import.meta.dirname, 'support', 'worker.mjs'), {
    workerData: { mode: 'file', urls: sandbox.urls, file: join(folder, 'auth.json') },
  });
  await until(async () => (await sandbox.count('token.refresh')) > 0);
  await worker.terminate();
  await until(async () => (await store.load()) !== before);
  await make().balance.get();
  assert.equal(await sandbox.count('token.refresh'), 1);
});

describe('leaving a client', () => {
  for (const [what, delay, stored] of [
    ['waits for its refresh', { delay_answer_ms: 1000 }, true],
    ['waits for 5 s at most', { delay_ms: 60_000 }, false],
  ]) {
    test(what, async () => {
      const before = await store.load();
      await sandbox.fault({ route: 'token.refresh', ...delay });
      // By the real clock: a faster one gives the request up, and makes another.
      const client = new AccountClient({ ...sandbox.urls, store });
      const controller = new AbortController();
      const running = client.balance.get({ signal: controller.signal });
      await until(async () => (await sandbox.count('token.refresh')) > 0);
      controller.abort();
      await assert.rejects(running, { name: 'AbortError' });
      const began = performance.now();
      await client[Symbol.asyncDispose]();
      assert.ok(performance.now() - began < 20_000);
      assert.equal((await store.load()) !== before, stored);
    });
  }
});

test('a process that ends in the middle of an early renewal stays until the pair is stored', async () => {
  const text = await store.load();
  const record = JSON.parse(text);
  for (const { control_api } of Object.values(record.orgs)) {
    control_api.access_token_expires_at = Math.floor(Date.now() / 1000) + 30;
  }
  const early = JSON.stringify(record);
  assert.ok(await store.replace(text, early));
  await sandbox.fault({ route: 'token.refresh', delay_answer_ms: 2000 });
  const child = fork(
    join(import.meta.dirname, 'support', 'child.mjs'),
    [join(folder, 'auth.json')],
    { env: { ...process.env, ...sandbox.env } },
  );
  assert.deepEqual(await once(child, 'message'), [5000, undefined]);
  assert.deepEqual(await once(child, 'exit'), [0, null]);
  assert.notEqual(await store.load(), early);
  await make().balance.get();
  assert.equal((await sandbox.control('counts')).refresh_token_reuses, 0);
});

describe('settled()', () => {
  test('waits for the refresh alone, and comes at once when there is none', async () => {
    const client = make();
    await client.settled();
    await sandbox.fault({ route: 'token.refresh', delay_answer_ms: 300 });
    const before = await store.load();
    const controller = new AbortController();
    const running = client.balance.get({ signal: controller.signal });
    await until(async () => (await sandbox.count('token.refresh')) > 0);
    controller.abort();
    await assert.rejects(running, { name: 'AbortError' });
    await client.settled();
    assert.notEqual(await store.load(), before);
    client.close();
    await client.settled();
  });

  test('takes a signal alone', async () => {
    await assert.rejects(make().settled({ timeout: 5 }), { code: 'invalid_request' });
    const reason = new Error('enough');
    await assert.rejects(make().settled({ signal: AbortSignal.abort(reason) }), reason);
  });
});

test('what was not saved is saved though nobody holds the client any more', async () => {
  // Away from the moment on in which a refresh has claimed, until it is told to be back.
  const shelf = { record: await store.load(), away: false };
  const check = () => {
    if (shelf.away) throw new Error('nobody is there');
  };
  const shelved = {
    load() {
      check();
      return shelf.record;
    },
    replace(old, next) {
      check();
      if (shelf.record !== old) return false;
      shelf.record = next;
      shelf.away = next.includes('"claim"');
      return true;
    },
  };
  const client = new AccountClient({ ...sandbox.urls, store: shelved });
  await sandbox.control('expire-access-token', {});
  await assert.rejects(client.balance.get(), { code: 'store', message: /memory only/ });
  const before = shelf.record;
  shelf.away = false;
  await until(() => shelf.record !== before);
  assert.ok(!shelf.record.includes('"claim"'));
});
