// Stores: the built-in ones, and ones written in JavaScript that behave and misbehave.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  AccountClient,
  FileStore,
  LoginRequiredError,
  MemoryStore,
  StoreCorruptError,
  StoreError,
} from 'parallel-account';
import { startSandbox } from './support/sandbox.mjs';

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

const make = (store, more) =>
  new AccountClient({
    ...sandbox.urls,
    [Symbol.for('parallel-account.time-scale')]: 20,
    store,
    ...more,
  });

const login = (client) =>
  client.login({ openBrowser: false, onPrompt: ({ userCode }) => sandbox.approve(userCode) });

class SyncStore {
  record = null;
  held = 0;
  mostHeld = 0;
  load() {
    return this.record;
  }
  save(record) {
    this.record = record;
  }
  delete() {
    this.record = null;
  }
}

class AsyncStore extends SyncStore {
  async load() {
    await null;
    return this.record;
  }
  async save(record) {
    await new Promise((resolve) => setImmediate(resolve));
    this.record = record;
  }
  async lock() {
    this.held += 1;
    this.mostHeld = Math.max(this.held, this.mostHeld);
    return async () => {
      this.held -= 1;
    };
  }
}

class DisposableLockStore extends SyncStore {
  lock() {
    this.held += 1;
    return { [Symbol.dispose]: () => this.held-- };
  }
}

/** Waits for what the library does on its own. */
async function until(condition) {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

describe('stores in JavaScript', () => {
  for (const Store of [SyncStore, AsyncStore, DisposableLockStore]) {
    test(`${Store.name} keeps a login and gives its lock back`, async () => {
      const store = new Store();
      await login(make(store));
      assert.equal(typeof JSON.parse(store.record), 'object');
      const client = make(store);
      await sandbox.control('expire-access-token', {});
      await Promise.all(Array.from({ length: 20 }, () => client.balance.get()));
      await until(() => store.held === 0);
      await client.logout();
      await until(() => store.held === 0);
      assert.equal((await client.status()).loggedIn, false);
    });
  }

  test('what a method throws or rejects with is the cause', async () => {
    const thrown = new Error('the database is down');
    const fail = () => {
      throw thrown;
    };
    for (const load of [fail, async () => fail()]) {
      const client = make(Object.assign(new SyncStore(), { load }));
      await assert.rejects(client.status(), (error) => {
        assert.ok(error instanceof StoreError);
        assert.equal(error.cause, thrown);
        assert.match(error.message, /load\(\) failed: the database is down/);
        return true;
      });
    }
    const unsaved = make(Object.assign(new SyncStore(), { save: fail }));
    await assert.rejects(login(unsaved), (error) => error.cause === thrown);
    const locked = make(Object.assign(new SyncStore(), { lock: fail }));
    await assert.rejects(login(locked), (error) => error.cause === thrown);
  });

  test('throwing something that is no error', async () => {
    for (const thrown of ['text', null, Symbol('s'), { toString: () => null }]) {
      const load = () => {
        throw thrown;
      };
      await assert.rejects(make(Object.assign(new SyncStore(), { load })).status(), StoreError);
    }
  });

  test('a method that hangs runs into the time-out', async () => {
    const load = () => new Promise(() => undefined);
    const client = make(Object.assign(new SyncStore(), { load }), { storeTimeout: 50 });
    await assert.rejects(client.status(), {
      code: 'store',
      message: /did not answer within 0.05 s/,
    });
  });

  test('a lock that comes too late is given back', async () => {
    const store = new SyncStore();
    let give;
    store.lock = () =>
      new Promise((resolve) => {
        give = () => resolve(() => store.held--);
      });
    const client = make(store, { storeTimeout: 50, lockTimeout: 50 });
    await assert.rejects(client.startLogin(), StoreError);
    store.held += 1;
    give();
    await until(() => store.held === 0);
  });

  test('a store that calls its own client is told not to', async () => {
    const store = new SyncStore();
    const client = make(store);
    store.load = async () => {
      await client.balance.get();
      return null;
    };
    await assert.rejects(client.status(), { code: 'store', message: /must not call the client/ });
  });

  test('garbage from load()', async () => {
    const number = make(Object.assign(new SyncStore(), { load: () => 7 }));
    await assert.rejects(number.status(), { code: 'store', message: /gave the number 7/ });
    const corrupt = make(Object.assign(new SyncStore(), { load: () => 'nonsense' }));
    await assert.rejects(corrupt.balance.get(), StoreCorruptError);
  });

  test('a lock that is no lock', async () => {
    const client = make(Object.assign(new SyncStore(), { lock: () => 5 }));
    await assert.rejects(login(client), { code: 'store', message: /function that releases it/ });
  });
});

describe('built-in stores', () => {
  test('a memory store goes on with a record', async () => {
    const store = new MemoryStore();
    await login(make(store));
    const copy = new MemoryStore(await store.load());
    assert.equal((await make(copy).balance.get()).creditBalanceCents, 5000);
    await copy.delete();
    assert.equal(await copy.load(), null);
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
