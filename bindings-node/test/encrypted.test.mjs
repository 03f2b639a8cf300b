// Encryption at rest, around every kind of store, and what another JOSE library makes of it.

import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { execFileSync } from 'node:child_process';
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { inspect } from 'node:util';
import { runInNewContext } from 'node:vm';
import { CompactEncrypt, compactDecrypt } from 'jose';
import {
  AccountClient,
  ConfigError,
  EncryptedStore,
  FileStore,
  InvalidRequestError,
  MemoryStore,
  StoreError,
} from 'parallel-account';
import { snippet } from './support/readme.mjs';
import { startSandbox } from './support/sandbox.mjs';
import { AsyncStore, SyncStore } from './support/stores.mjs';

const RECORD = '{"version":1,"orgs":{},"secret":"canary-secret"}';
const OTHER = '{"version":1,"orgs":{}}';
const OLD = { '2026-05': new Uint8Array(32).map((_, index) => index) };
const NEW = { '2026-11': new Uint8Array(32).map((_, index) => 100 + index) };

let sandbox;
let folder;
before(async () => {
  sandbox = await startSandbox('--interval', 0.05);
});
after(() => sandbox.stop());
beforeEach(async () => {
  await sandbox.control('reset', {});
  folder = mkdtempSync(join(tmpdir(), 'parallel-account-'));
});
const cleanUp = (t) => t.after(() => rmSync(folder, { recursive: true }));

const make = (store, more) =>
  new AccountClient({
    ...sandbox.urls,
    [Symbol.for('parallel-account.time-scale')]: 20,
    store,
    ...more,
  });

const login = (client) =>
  client.login({ openBrowser: false, onPrompt: ({ userCode }) => sandbox.approve(userCode) });

const header = (text) => JSON.parse(Buffer.from(text.split('.')[0], 'base64url'));

describe('another JOSE library', () => {
  test('reads what is stored', async () => {
    const inner = new SyncStore();
    const store = new EncryptedStore(inner, NEW, { subject: 'user-42' });
    assert.equal(await store.load(), null);
    assert.equal(await store.replace(null, RECORD), true);
    const { plaintext, protectedHeader } = await compactDecrypt(inner.record, NEW['2026-11']);
    assert.equal(Buffer.from(plaintext).toString(), RECORD);
    const expected = { alg: 'dir', enc: 'A256GCM', kid: '2026-11', sub: 'user-42' };
    assert.deepEqual(protectedHeader, expected);
  });

  test('writes what is read, in this one way', async () => {
    const write = (protectedHeader, key) =>
      new CompactEncrypt(Buffer.from(RECORD)).setProtectedHeader(protectedHeader).encrypt(key);
    const inner = new SyncStore();
    inner.record = await write({ alg: 'dir', enc: 'A256GCM', kid: '2026-05' }, OLD['2026-05']);
    const store = new EncryptedStore(inner, { ...NEW, ...OLD });
    assert.equal(await store.load(), RECORD);
    assert.equal(await store.replace(RECORD, OTHER), true);
    assert.equal(header(inner.record).kid, '2026-11');
    for (const [wrong, key] of [
      [{ alg: 'dir', enc: 'A256CBC-HS512', kid: '2026-11' }, new Uint8Array(64)],
      [{ alg: 'A256KW', enc: 'A256GCM', kid: '2026-11' }, NEW['2026-11']],
    ]) {
      const planted = await write(wrong, key);
      inner.record = planted;
      await assert.rejects(store.load(), { name: 'StoreError', message: /Only alg dir/ });
      assert.equal(await store.replace(null, OTHER), false);
      assert.equal(inner.record, planted);
    }
  });
});

test('keys rotate', async () => {
  const inner = new SyncStore();
  await new EncryptedStore(inner, OLD).replace(null, RECORD);
  const rotating = new EncryptedStore(
    inner,
    new Map([...Object.entries(NEW), ...Object.entries(OLD)]),
  );
  assert.equal(await rotating.load(), RECORD);
  const unknown = { name: 'StoreError', message: /"2026-05", which is not among keys/ };
  await assert.rejects(new EncryptedStore(inner, NEW).load(), unknown);
  assert.equal(await rotating.replace(RECORD, RECORD), true);
  assert.equal(await new EncryptedStore(inner, NEW).load(), RECORD);
});

describe('a client logs in, refreshes and logs out', () => {
  const inners = {
    memory: () => new MemoryStore(),
    file: () => new FileStore(join(folder, 'login.jwe')),
    synchronous: () => new SyncStore(),
    asynchronous: () => new AsyncStore(),
    twice: () => new EncryptedStore(new AsyncStore(), OLD),
  };
  for (const [name, makeInner] of Object.entries(inners)) {
    test(`over a store: ${name}`, async (t) => {
      cleanUp(t);
      const inner = makeInner();
      const client = make(new EncryptedStore(inner, NEW));
      const sibling = make(new EncryptedStore(inner, NEW));
      await login(client);
      await sandbox.control('expire-access-token', {});
      await Promise.all([client, sibling, client].map((each) => each.balance.get()));
      assert.equal(await sandbox.count('token.refresh'), 1);
      const stored = await inner.load();
      assert.equal(header(stored).kid, '2026-11');
      assert.ok(!stored.includes('access_token'));
      await client.logout();
      assert.equal((await sibling.status()).loggedIn, false);
      if (name === 'file') assert.deepEqual(readdirSync(folder), ['login.jwe', 'login.jwe.lock']);
    });
  }
});

test('a FileStore can be wrapped in encryption of the host', async (t) => {
  cleanUp(t);
  const key = randomBytes(32);
  class Own {
    file = new FileStore(join(folder, 'own'));
    #last;
    async load() {
      const text = await this.file.load();
      if (text === null) return null;
      const bytes = Buffer.from(text, 'base64');
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12));
      decipher.setAuthTag(bytes.subarray(12, 28));
      const record =
        decipher.update(bytes.subarray(28), undefined, 'utf8') + decipher.final('utf8');
      this.#last = { record, text };
      return record;
    }
    async replace(old, next) {
      if (old !== null && this.#last?.record !== old) await this.load();
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', key, nonce);
      const body = Buffer.concat([cipher.update(next ?? '', 'utf8'), cipher.final()]);
      const text = Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64');
      const stored = old === null ? null : this.#last.text;
      const done = await this.file.replace(stored, next === null ? null : text);
      if (done) this.#last = { record: next, text };
      return done;
    }
  }
  await login(make(new Own()));
  assert.equal((await make(new Own()).status()).loggedIn, true);
  // Somebody forgot to wrap it.
  const bare = make(new FileStore(join(folder, 'own')));
  await assert.rejects(bare.status(), { code: 'store', message: /encrypted/ });
  await assert.rejects(bare.startLogin(), { code: 'store', message: /encrypted/ });
  assert.deepEqual(readdirSync(folder), ['own', 'own.lock']);
  // What would be taken for a damaged file is not written at all.
  const unfit = new FileStore(join(folder, 'unfit')).replace(null, 'short');
  await assert.rejects(unfit, { code: 'store', message: /Base64/ });
});

test('nothing is overwritten that cannot be decrypted', async () => {
  for (const planted of [RECORD, 'eyJhbGciOiJkaXIi', '', 'gAAAA'.repeat(20)]) {
    const inner = new SyncStore();
    inner.record = planted;
    const client = make(new EncryptedStore(inner, NEW));
    await assert.rejects(client.status(), { code: 'store', message: /untouched/ });
    await assert.rejects(client.startLogin(), { code: 'store' });
    assert.equal(inner.record, planted);
  }
});

test('records from before can be allowed', async () => {
  const inner = new SyncStore();
  inner.record = RECORD;
  await assert.rejects(new EncryptedStore(inner, NEW).load(), { message: /set acceptPlaintext/ });
  const store = new EncryptedStore(inner, NEW, { acceptPlaintext: true });
  assert.equal((await make(store).status()).loggedIn, false);
  assert.equal(await store.replace(RECORD, RECORD), true);
  assert.equal(await new EncryptedStore(inner, NEW).load(), RECORD);
});

test("another user's record is refused", async () => {
  const inner = new SyncStore();
  await new EncryptedStore(inner, NEW, { subject: 'mallory' }).replace(null, RECORD);
  const alice = make(new EncryptedStore(inner, NEW, { subject: 'alice' }));
  await assert.rejects(alice.balance.get(), { code: 'store', message: /another subject/ });
  await assert.rejects(new EncryptedStore(inner, NEW).load(), { message: /names a subject/ });
});

test('methods run in the context of their caller', async () => {
  const tenant = new AsyncLocalStorage();
  const seen = [];
  class Seeing extends AsyncStore {
    async load() {
      seen.push(tenant.getStore());
      return await super.load();
    }
  }
  const inner = new Seeing();
  const [first, second] = [OLD, OLD].map(() => new EncryptedStore(inner, NEW));
  await tenant.run('a', () => first.replace(null, RECORD));
  await tenant.run('b', () => second.replace(RECORD, OTHER));
  assert.deepEqual(seen, ['b']);
});

test('the cacheFor of the wrapped store counts', async () => {
  let loads = 0;
  class Counting extends AsyncStore {
    cacheFor = 86_400_000;
    async load() {
      loads += 1;
      return await super.load();
    }
  }
  const client = make(new EncryptedStore(new EncryptedStore(new Counting(), OLD), NEW));
  await login(client);
  await client.balance.get();
  loads = 0;
  for (let call = 0; call < 5; call += 1) await client.balance.get();
  assert.equal(loads, 0);
});

test('many changes at once: one wins', async () => {
  const inner = new AsyncStore();
  const store = new EncryptedStore(inner, NEW);
  await store.replace(null, RECORD);
  const changes = Array.from({ length: 20 }, (_, n) => store.replace(RECORD, `{"n":${n}}`));
  assert.equal((await Promise.all(changes)).filter(Boolean).length, 1);
});

test('what the wrapped store throws comes through', async () => {
  const thrown = new Error('canary-secret');
  const inner = { load: () => Promise.reject(thrown), replace: () => 'yes' };
  const store = new EncryptedStore(inner, NEW);
  await assert.rejects(store.load(), (error) => error === thrown);
  await assert.rejects(store.replace(null, RECORD), { name: 'TypeError', message: /true/ });
  await assert.rejects(make(store).status(), (error) => {
    assert.ok(error instanceof StoreError);
    return error.cause === thrown;
  });
  const odd = new EncryptedStore({ load: () => 7, replace: () => true }, NEW);
  await assert.rejects(odd.load(), { name: 'TypeError' });
  let client;
  const nosy = { load: () => client.status().then(() => null), replace: () => true };
  client = make(new EncryptedStore(nosy, NEW));
  await assert.rejects(client.status(), (error) => error.cause instanceof ConfigError);
});

test('bad keys, stores and options are refused, and no key is shown', () => {
  const key = new Uint8Array(32);
  const secret = Buffer.from('canary-secret-canary-secret-cana');
  for (const keys of [
    undefined,
    null,
    7,
    'canary',
    secret,
    [['a', key]],
    {},
    new Map(),
    { a: 'canary-secret-canary-secret-cana' },
    { a: secret.buffer },
    { a: new Uint16Array(16) },
    { a: null },
    { a: Buffer.from('canary') },
    { a: Buffer.from('canary-secret-canary-secret-canar-') },
    { '': key },
    { 'canary\n': key },
    { [`canary${'y'.repeat(60)}`]: key },
    { '\ud800canary': key },
    new Map([[7, key]]),
    { new: key, 2025: key },
  ]) {
    assert.throws(
      () => new EncryptedStore(new MemoryStore(), keys),
      (error) => {
        assert.ok(error instanceof ConfigError, inspect(error));
        assert.match(error.message, /^keys/);
        assert.doesNotMatch(inspect(error), /canary/);
        return true;
      },
    );
  }
  for (const store of [undefined, null, 7, 'x', {}, MemoryStore, { load() {} }]) {
    assert.throws(() => new EncryptedStore(store, { a: key }), ConfigError);
  }
  for (const options of [
    null,
    7,
    { subject: 7 },
    { subject: '' },
    { subject: 's'.repeat(257) },
    { subject: 'user-\ud800' },
    { acceptPlaintext: 1 },
    { other: 1 },
  ]) {
    assert.throws(() => new EncryptedStore(new MemoryStore(), { a: key }, options), ConfigError);
  }
  // From another realm, and IDs that an object keeps in their order.
  new EncryptedStore(new MemoryStore(), runInNewContext('({ a: new Uint8Array(32) })'));
  new EncryptedStore(new MemoryStore(), { 2026: key });
  new EncryptedStore(
    new MemoryStore(),
    new Map([
      ['2026', key],
      ['2025', secret],
    ]),
  );
});

test('keys are shown nowhere', async () => {
  const secret = Buffer.from('canary-secret-canary-secret-cana');
  const store = new EncryptedStore(new FileStore('/nowhere/login.jwe'), { id: secret });
  assert.equal(store.location, '/nowhere/login.jwe');
  assert.equal(new EncryptedStore(new SyncStore(), NEW).location, 'a store of the application');
  const shown =
    inspect([store, make(store)], { showHidden: true, depth: 9 }) + JSON.stringify(store);
  assert.doesNotMatch(shown, /canary|99, 97|63616e617279/);
  await assert.rejects(store.replace(7, null), InvalidRequestError);
});

test('a server can require that a store is given', () => {
  const source = `
    const { AccountClient, MemoryStore } = require('parallel-account');
    new AccountClient({ store: new MemoryStore() });
    try { new AccountClient({}); console.log('made'); } catch (error) {
      console.log(error.code, error.message.slice(0, 19));
    }`;
  const said = (value) => {
    const env = { ...process.env, HOME: tmpdir(), PARALLEL_ACCOUNT_REQUIRE_STORE: value };
    const options = { env, encoding: 'utf8', cwd: join(import.meta.dirname, '..') };
    return execFileSync(process.execPath, ['-e', source], options).trim();
  };
  assert.equal(said(''), 'made');
  assert.equal(said('0'), 'made');
  assert.equal(said('1'), 'config store must be given');
  assert.equal(said('perhaps'), 'config PARALLEL_ACCOUNT_RE');
});

test('what is stored in a file is exactly the JWE', async (t) => {
  cleanUp(t);
  const file = new FileStore(join(folder, 'login.jwe'));
  await new EncryptedStore(file, NEW).replace(null, RECORD);
  assert.match(readFileSync(file.location, 'utf8'), /^[\w-]+\.\.[\w-]+\.[\w-]+\.[\w-]+$/);
});

test('the example of the README', async () => {
  const code = snippet('const keys = {');
  const names = ['EncryptedStore', 'AccountClient', 'store', 'newKey', 'oldKey'];
  const run = new Function(...names, `${code}; return client;`);
  const store = new AsyncStore();
  function Client({ store }) {
    return make(store);
  }
  await login(run(EncryptedStore, Client, store, NEW['2026-11'], OLD['2026-05']));
  assert.deepEqual(header(store.record), {
    alg: 'dir',
    enc: 'A256GCM',
    kid: 'key-2',
    sub: 'user-42',
  });
});
