// Stores: the built-in ones, and ones written in JavaScript that behave. Those that misbehave are
// in badstores.test.mjs.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import {
  AccountClient,
  ConfigError,
  FileStore,
  InvalidRequestError,
  LoginRequiredError,
  MemoryStore,
  StoreCorruptError,
} from 'parallel-account';
import { startSandbox } from './support/sandbox.mjs';
import { AsyncStore, readmeStore, SyncStore, storeWith } from './support/stores.mjs';

let sandbox;
let folder;
before(async () => {
  sandbox = await startSandbox('--interval', 0.05);
  folder = mkdtempSync(join(tmpdir(), 'parallel-account-'));
});
after(async () => {
  rmSync(folder, { recursive: true });
  await sandbox.stop();
});
beforeEach(() => sandbox.control('reset', {}));

const make = (store, more) =>
  new AccountClient({
    ...sandbox.urls,
    [Symbol.for('parallel-account.time-scale')]: 20,
    store,
    ...more,
  });

const login = (client) =>
  client.login({ openBrowser: false, onPrompt: ({ userCode }) => sandbox.approve(userCode) });

describe('stores in JavaScript', () => {
  for (const Store of [SyncStore, AsyncStore]) {
    test(`${Store.name} keeps a login from its start to its logout`, async () => {
      const store = new Store();
      await login(make(store));
      assert.equal(typeof JSON.parse(store.record), 'object');
      const client = make(store);
      await sandbox.control('expire-access-token', {});
      await Promise.all(Array.from({ length: 20 }, () => client.balance.get()));
      assert.equal(await sandbox.count('token.refresh'), 1);
      await client.logout();
      assert.equal((await client.status()).loggedIn, false);
      assert.equal((await make(store).status()).loggedIn, false);
    });
  }

  test('the store of the README: two replicas, 20 expiries, nothing is lost', async () => {
    const store = readmeStore('ada');
    const replicas = [make(store), make(store)];
    await login(replicas[0]);
    for (let round = 1; round <= 20; round += 1) {
      await sandbox.control('expire-access-token', {});
      const balances = await Promise.all(replicas.map((client) => client.balance.get()));
      for (const { creditBalanceCents } of balances) assert.equal(creditBalanceCents, 5000);
      const counts = await sandbox.control('counts');
      assert.equal(counts.refresh_token_reuses, 0);
      assert.equal(counts.routes['token.refresh'], round);
    }
    await replicas[1].logout();
    assert.equal((await replicas[0].status()).loggedIn, false);
  });

  test('a record serves calls for as long as cacheFor says', async () => {
    let loads = 0;
    const load = () => {
      loads += 1;
      return store.record;
    };
    const store = storeWith({ load, cacheFor: 86_400_000 });
    await login(make(store));
    const client = make(store);
    await client.balance.get();
    loads = 0;
    for (let call = 0; call < 5; call += 1) await client.balance.get();
    assert.equal(loads, 0);
    const uncached = make(storeWith({ load }));
    for (let call = 0; call < 5; call += 1) await uncached.balance.get();
    assert.ok(loads >= 5, `${loads} loads`);
  });

  test('it may call other clients, and what it started may call its own once it is done', async () => {
    const other = make(new SyncStore());
    await login(other);
    let done;
    let later;
    const store = storeWith({
      async load() {
        await other.balance.get();
        later ??= new Promise((resolve) => {
          done = resolve;
        }).then(() => client.status());
        return null;
      },
    });
    const client = make(store);
    assert.equal((await client.status()).loggedIn, false);
    done();
    assert.equal((await later).loggedIn, false);
  });

  test('a store that calls its own client is told not to, at once and in every way', async () => {
    const calls = {
      'balance.get': () => client.balance.get(),
      status: () => client.status(),
      settled: () => client.settled(),
      withOptions: () => client.withOptions({ maxRetries: 0 }).status(),
      'another client': () => make(store).status(),
      wait: () => started.wait(),
      poll: () => started.poll(),
    };
    const store = new AsyncStore();
    const client = make(store);
    const started = await client.startLogin();
    for (const [name, call] of Object.entries(calls)) {
      store.load = async () => {
        await call();
        return null;
      };
      await assert.rejects(client.status(), (error) => {
        assert.equal(error.code, 'store', name);
        assert.ok(error.cause instanceof ConfigError, `${name}: ${error.cause}`);
        assert.match(error.cause.message, /must not call the client that it serves/);
        return true;
      });
    }
    // One that takes the error continues.
    store.load = async () => {
      await assert.rejects(client.balance.get(), { code: 'config' });
      return null;
    };
    assert.equal((await client.status()).loggedIn, false);
  });
});

describe('built-in stores', () => {
  test('are cells: a lost race changes nothing', async () => {
    for (const store of [new MemoryStore(), new FileStore(join(folder, 'cell.json'))]) {
      assert.equal(await store.load(), null);
      assert.equal(await store.replace('{"version":1}', null), false);
      assert.equal(await store.replace(null, '{"version":1}'), true);
      assert.equal(await store.replace(null, '{}'), false);
      assert.equal(await store.replace('{}', '{"version":1,"x":1}'), false);
      assert.equal(await store.load(), '{"version":1}');
      assert.equal(await store.replace('{"version":1}', '{"version":1,"x":1}'), true);
      assert.equal(await store.load(), '{"version":1,"x":1}');
      assert.equal(await store.replace('{"version":1,"x":1}', null), true);
      assert.equal(await store.load(), null);
      await assert.rejects(store.replace(undefined, '{}'), InvalidRequestError);
      await assert.rejects(store.replace(null, 7), InvalidRequestError);
    }
  });

  test('a memory store continues with a record', async () => {
    const store = new MemoryStore();
    await login(make(store));
    const record = await store.load();
    const copy = new MemoryStore(record);
    assert.equal((await make(copy).balance.get()).creditBalanceCents, 5000);
    assert.equal(await copy.replace(record, null), true);
    await assert.rejects(make(copy).balance.get(), LoginRequiredError);
  });

  test('a file store is private and shared between clients', async () => {
    const file = join(folder, 'deep', 'auth.json');
    const store = new FileStore(file);
    assert.match(store.location, /auth\.json/);
    await login(make(store));
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const other = make(new FileStore(file));
    assert.equal((await other.status()).loggedIn, true);
    await other.logout();
    assert.equal((await make(store).status()).loggedIn, false);
  });

  test('a corrupt file is set aside', async () => {
    const file = join(folder, 'corrupt.json');
    writeFileSync(file, '{"half', { mode: 0o600 });
    await assert.rejects(make(new FileStore(file)).balance.get(), StoreCorruptError);
  });

  test("the CLI's file", async () => {
    const before = process.env.HOME;
    process.env.HOME = folder;
    try {
      const store = FileStore.parallelCli();
      await login(make(store));
      const saved = readFileSync(join(folder, '.config/parallel-web-tools/auth.json'), 'utf8');
      assert.equal(JSON.parse(saved).version, 1);
    } finally {
      process.env.HOME = before;
    }
  });
});
