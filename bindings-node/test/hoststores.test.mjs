// Where the methods of a store run, for how long they may, and how long the store is kept.

import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { ConfigError } from 'parallel-account';
import { isolated } from './support/isolation.mjs';
import { login, make, sandbox, tokensOf } from './support/storeclients.mjs';
import { AsyncStore, storeWith, turn } from './support/stores.mjs';

/** A promise, and what resolves it. */
function gate() {
  let resolve;
  const promise = new Promise((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

describe('where a method runs', () => {
  const request = new AsyncLocalStorage();

  test('in the context of a call of its own client that waits', async () => {
    const seen = [];
    const store = storeWith({
      async load() {
        seen.push(request.getStore());
        await turn();
        seen.push(request.getStore());
        return this.record;
      },
    });
    const client = make(store);
    await request.run('the first client', () => make(new AsyncStore()).status());
    await request.run('ada', () => client.status());
    await request.run('grace', () => client.withOptions({ maxRetries: 0 }).status());
    const started = await request.run('edsger', () => client.startLogin());
    await sandbox.approve(started.userCode);
    await request.run('barbara', () => started.wait());
    assert.deepEqual([...new Set(seen)], ['ada', 'grace', 'edsger', 'barbara']);
  });

  test('in that of another caller where the one that began it is gone', async () => {
    const store = new AsyncStore();
    await login(make(store));
    await sandbox.control('expire-access-token', {});
    const client = make(store);
    const seen = [];
    const { replace } = store;
    store.replace = (old, next) => {
      seen.push(request.getStore());
      return replace.call(store, old, next);
    };
    await sandbox.fault({ route: 'token.refresh', delay_answer_ms: 300 });
    const controller = new AbortController();
    const { signal } = controller;
    const begun = request.run('gone', () => client.balance.get({ signal }));
    while ((await sandbox.count('token.refresh')) === 0) await turn();
    const other = request.run('waiting', () => client.balance.get());
    controller.abort();
    await assert.rejects(begun, { name: 'AbortError' });
    await other;
    assert.deepEqual([seen[0], seen.at(-1)], ['gone', 'waiting']);
  });

  test('in that of the last caller where all are gone', async () => {
    const store = new AsyncStore();
    await login(make(store));
    await sandbox.control('expire-access-token', {});
    const client = make(store);
    const before = store.record;
    const seen = [];
    const { replace } = store;
    store.replace = (old, next) => {
      seen.push(request.getStore());
      return replace.call(store, old, next);
    };
    await sandbox.fault({ route: 'token.refresh', delay_answer_ms: 300 });
    const controller = new AbortController();
    const { signal } = controller;
    const begun = request.run('ada', () => client.balance.get({ signal }));
    while ((await sandbox.count('token.refresh')) === 0) await turn();
    controller.abort();
    await assert.rejects(begun, { name: 'AbortError' });
    while (tokensOf(store.record).refresh_token === tokensOf(before).refresh_token) await turn();
    assert.deepEqual([...new Set(seen)], ['ada']);
  });

  test('20 users, 500 requests: nobody gets the login of another', async () => {
    assert.deepEqual(await isolated(sandbox, { users: 20, requests: 500 }), {
      requests: 500,
      strangers: 0,
      failures: [],
    });
  });
});

test('one load at a time, which all calls that wait share', async () => {
  const store = new AsyncStore();
  await login(make(store));
  let [now, most, loads] = [0, 0, 0];
  store.load = async () => {
    now += 1;
    loads += 1;
    most = Math.max(most, now);
    await turn();
    now -= 1;
    return store.record;
  };
  const client = make(store);
  await Promise.all(Array.from({ length: 500 }, () => client.status()));
  assert.equal(most, 1);
  assert.ok(loads < 50, `${loads} loads`);
});

describe('a call of the client from within its store', () => {
  test('is refused within the method alone: what was begun there may call later', async () => {
    const failures = [];
    let called = 0;
    let timer;
    const store = storeWith({
      load() {
        // As a pool of connections does that looks after itself from its first use on.
        timer ??= setInterval(() => {
          client.status().then(
            () => {
              called += 1;
            },
            (error) => failures.push(error),
          );
        }, 1);
        return null;
      },
    });
    const client = make(store);
    await client.status();
    while (called < 3 && failures.length === 0) await turn();
    clearInterval(timer);
    assert.deepEqual(failures, []);
  });

  test('is not refused any more once a method that hangs is given up', async () => {
    const { promise, resolve } = gate();
    let later;
    const store = storeWith({
      load() {
        if (later !== undefined) return null;
        later = promise.then(() => client.status());
        return new Promise(() => undefined);
      },
    });
    const client = make(store, { storeTimeout: 20 });
    await assert.rejects(client.status(), { code: 'store', message: /did not answer/ });
    resolve();
    assert.equal((await later).loggedIn, false);
  });

  test('nor once nobody waits for the method', async () => {
    const { promise, resolve } = gate();
    const loading = gate();
    let later;
    const store = storeWith({
      load() {
        if (later !== undefined) return null;
        later = promise.then(() => client.status());
        loading.resolve();
        return new Promise(() => undefined);
      },
    });
    const client = make(store);
    const controller = new AbortController();
    const call = client.status({ signal: controller.signal });
    await loading.promise;
    controller.abort();
    await assert.rejects(call, { name: 'AbortError' });
    await client.settled();
    // The native side says that it does not wait any more.
    await make(new AsyncStore()).status();
    resolve();
    assert.equal((await later).loggedIn, false);
  });

  test("is refused by way of another store's client", { timeout: 10_000 }, async () => {
    const stores = [new AsyncStore(), new AsyncStore()];
    const clients = stores.map((store) => make(store));
    for (const [at, store] of stores.entries()) {
      store.load = async () => {
        await clients[1 - at].status();
        return null;
      };
    }
    await assert.rejects(clients[0].status(), (error) => {
      assert.equal(error.code, 'store');
      assert.equal(error.cause.code, 'store');
      assert.ok(error.cause.cause instanceof ConfigError);
      assert.match(error.cause.cause.message, /must not call the client that it serves/);
      return true;
    });
  });
});

describe('storeTimeout', () => {
  // In a process of its own: fetch, which these tests use, needs the timers that it fakes.
  test('does not need the global timers, which tests fake', { timeout: 30_000 }, () => {
    const code = `
      import { AccountClient } from 'parallel-account';
      globalThis.setTimeout = () => 7;
      globalThis.setImmediate = undefined;
      const store = { load: () => new Promise(() => undefined), replace: () => false };
      const { message } = await new AccountClient({ store, storeTimeout: 20 })
        .status()
        .catch((error) => error);
      console.log(message);`;
    const out = execFileSync(process.execPath, ['--input-type=module', '-e', code], {
      cwd: join(import.meta.dirname, '..'),
      encoding: 'utf8',
      timeout: 20_000,
    });
    assert.match(out, /did not answer within 0.02 s/);
  });

  test('does not run while the event loop is blocked', async () => {
    const store = storeWith({
      async load() {
        await turn();
        const until = performance.now() + 300;
        while (performance.now() < until);
        await new Promise((resolve) => setTimeout(resolve, 1));
        return null;
      },
    });
    assert.equal((await make(store, { storeTimeout: 100 }).status()).loggedIn, false);
  });
});

describe('memory', () => {
  for (const mode of ['idle', 'closed', 'aborted', 'failed']) {
    test(`a store that holds its client is collected with it: ${mode}`, () => {
      const file = join(import.meta.dirname, 'support', 'collected.mjs');
      const out = execFileSync(process.execPath, ['--expose-gc', file, mode], {
        env: { ...process.env, ...sandbox.env },
        encoding: 'utf8',
      });
      assert.deepEqual(JSON.parse(out), { made: 50, left: 0 });
    });
  }

  test('a store is kept while its client works behind a call', () => {
    const file = join(import.meta.dirname, 'support', 'collected.mjs');
    const env = { ...process.env, ...sandbox.env, SANDBOX_CONTROL: sandbox.controlUrl };
    const out = execFileSync(process.execPath, ['--expose-gc', file, 'working'], {
      env,
      encoding: 'utf8',
    });
    assert.deepEqual(JSON.parse(out), { stored: true, left: 0 });
  });
});
