// The data key: one for all who ask, renewed, and what keeps a program from getting one.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import {
  AccountClient,
  LoginRequiredError,
  MemoryStore,
  PermissionDeniedError,
  Secret,
} from 'parallel-account';
import { startSandbox } from './support/sandbox.mjs';

let sandbox;
before(async () => {
  sandbox = await startSandbox('--interval', 0.05);
});
after(() => sandbox.stop());
beforeEach(() => sandbox.control('reset', {}));

const make = (more) =>
  new AccountClient({
    ...sandbox.urls,
    [Symbol.for('parallel-account.time-scale')]: 20,
    clientName: 'key tests',
    store: new MemoryStore(),
    ...more,
  });

async function loggedIn(more) {
  const client = make(more);
  const onPrompt = ({ userCode }) => sandbox.approve(userCode);
  await client.login({ openBrowser: false, onPrompt });
  return client;
}

/** A record as Parallel's CLI leaves it, with a key and no login. */
const keptByCli = (key) =>
  JSON.stringify({
    version: 1,
    selected_org_id: 'org_1',
    orgs: { org_1: { org_name: 'One', api_key: key, control_api: null } },
  });

describe('apiKey', () => {
  test('makes one key for 50 calls at once, and needs no network from then on', async () => {
    const store = new MemoryStore();
    const client = await loggedIn({ store });
    const keys = await Promise.all(Array.from({ length: 50 }, () => client.apiKey()));
    assert.equal(new Set(keys.map((key) => key.expose())).size, 1);
    assert.ok(keys[0] instanceof Secret);
    assert.equal(await sandbox.count('keys.create'), 1);
    const [app] = (await client.apps.list()).filter(({ appName }) => appName === 'key tests');
    assert.ok(app);
    const sent = await sandbox.counts();
    assert.deepEqual(await make({ store }).apiKey(), keys[0]);
    assert.deepEqual(await sandbox.counts(), sent);
  });

  test("is the key of Parallel's CLI where it left one, also without a login", async () => {
    const client = make({ store: new MemoryStore(keptByCli('a-key-of-the-cli')) });
    assert.equal((await client.apiKey()).expose(), 'a-key-of-the-cli');
    assert.deepEqual(await sandbox.counts(), {});
  });

  test('without a login and a key asks for a login', async () => {
    await assert.rejects(make().apiKey(), LoginRequiredError);
    assert.deepEqual(await sandbox.counts(), {});
  });

  test('names the scope that is missing, before anything is sent', async () => {
    const client = await loggedIn({ scopes: ['balance:read', 'apps:read'] });
    const sent = await sandbox.counts();
    await assert.rejects(client.apiKey(), (error) => {
      assert.ok(error instanceof PermissionDeniedError);
      assert.match(error.message, /keys:create/);
      return true;
    });
    assert.deepEqual(await sandbox.counts(), sent);
  });

  test('whose answer is lost names the app in which a key may be left behind', async () => {
    const client = await loggedIn();
    await sandbox.fault({ route: 'keys.create', reset: 'after' });
    await assert.rejects(client.apiKey(), (error) => {
      assert.equal(error.outcomeUnknown, true);
      assert.match(error.message, /key tests/);
      return true;
    });
  });

  test('aborted or out of time while the key is made: that key is kept', async () => {
    for (const [limit, stopped] of [
      [() => ({ deadline: 100 }), { name: 'TimeoutError', code: 'timeout' }],
      [() => ({ signal: AbortSignal.timeout(100) }), { name: 'TimeoutError' }],
    ]) {
      await sandbox.control('reset', {});
      // With the real clock, which limits the call.
      const store = new MemoryStore();
      await loggedIn({ store });
      const client = make({ store, [Symbol.for('parallel-account.time-scale')]: 1 });
      await sandbox.fault({ route: 'keys.create', delay_answer_ms: 400 });
      await assert.rejects(client.apiKey(limit()), stopped);
      await client.settled();
      await client.apiKey();
      assert.equal(await sandbox.count('keys.create'), 1);
    }
  });

  test('of a closed client is refused', async () => {
    const client = await loggedIn();
    client.close();
    await assert.rejects(client.apiKey(), { code: 'config', message: /closed/ });
    await assert.rejects(client.renewApiKey(), { code: 'config', message: /closed/ });
  });

  test('refuses an option that is unknown', async () => {
    await assert.rejects(make().apiKey({ org: 'x' }), { message: /no option org; there are/ });
  });
});

describe('renewApiKey', () => {
  test('puts a new key in place of the old one, which is deleted', async () => {
    const client = await loggedIn();
    const first = await client.apiKey();
    const second = await client.renewApiKey();
    assert.notEqual(second.expose(), first.expose());
    assert.deepEqual(await client.apiKey(), second);
    assert.equal(await sandbox.count('keys.delete'), 1);
  });

  test('answers the key by which another client has replaced it already', async () => {
    const store = new MemoryStore();
    const client = await loggedIn({ store });
    const other = make({ store });
    assert.deepEqual(await other.apiKey(), await client.apiKey());
    const renewed = await other.renewApiKey();
    assert.deepEqual(await client.renewApiKey(), renewed);
    assert.equal(await sandbox.count('keys.create'), 2);
  });
});

test('logout deletes the key that was made', async () => {
  const client = await loggedIn();
  await client.apiKey();
  await client.logout();
  assert.equal(await sandbox.count('keys.delete'), 1);
});

describe('the recipe of the README', () => {
  const readme = readFileSync(join(import.meta.dirname, '..', 'README.md'), 'utf8');
  const [, recipe] = /```js\nimport Parallel from 'parallel-web';\n\n([\s\S]*?)```/.exec(readme);

  class AuthenticationError extends Error {}
  /** An SDK that accepts exactly one key. */
  class Parallel {
    static AuthenticationError = AuthenticationError;
    static accepted;
    constructor({ apiKey }) {
      this.apiKey = apiKey;
    }
    async search() {
      if (this.apiKey !== Parallel.accepted) throw new AuthenticationError('401');
      return this.apiKey;
    }
  }

  async function withParallelOf(client) {
    const source = `${recipe.replace(/^const results = .*;\n/m, '')}\nreturn withParallel;`;
    return new Function('client', 'Parallel', source)(client, Parallel);
  }

  test('renews a refused key once for all calls, and a second refusal comes out', async () => {
    const store = new MemoryStore();
    const client = await loggedIn({ store });
    const withParallel = await withParallelOf(client);
    const search = () => withParallel((parallel) => parallel.search());
    Parallel.accepted = (await client.apiKey()).expose();
    assert.equal(await search(), Parallel.accepted);

    Parallel.accepted = undefined;
    await assert.rejects(search(), AuthenticationError);
    assert.equal(await sandbox.count('keys.create'), 2);

    // Another process has renewed it.
    Parallel.accepted = (await make({ store }).renewApiKey()).expose();
    const found = await Promise.all(Array.from({ length: 10 }, search));
    assert.deepEqual([...new Set(found)], [Parallel.accepted]);
    assert.equal(await sandbox.count('keys.create'), 3);
  });

  test('starts anew after a failure', async () => {
    const client = make();
    const withParallel = await withParallelOf(client);
    const search = () => withParallel((parallel) => parallel.search());
    await assert.rejects(search(), LoginRequiredError);
    const onPrompt = ({ userCode }) => sandbox.approve(userCode);
    await client.login({ openBrowser: false, onPrompt });
    Parallel.accepted = (await client.apiKey()).expose();
    assert.equal(await search(), Parallel.accepted);
  });
});
