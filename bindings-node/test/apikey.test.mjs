// The data key: one for all who ask, renewed, and what keeps a program from getting one.

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import {
  AccountClient,
  LoginRequiredError,
  MemoryStore,
  PermissionDeniedError,
  Secret,
} from 'parallel-account';
import Parallel from 'parallel-web';
import { snippet } from './support/readme.mjs';
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

/** What a call answers. A `Secret` shows nothing of itself to a comparison. */
const text = async (secret) => (await secret).expose();

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
    assert.equal(await text(make({ store }).apiKey()), keys[0].expose());
    assert.deepEqual(await sandbox.counts(), sent);
  });

  test("is the key of Parallel's CLI where it left one, also without a login", async () => {
    const client = make({ store: new MemoryStore(keptByCli('a-key-of-the-cli')) });
    assert.equal(await text(client.apiKey()), 'a-key-of-the-cli');
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
    const first = await text(client.apiKey());
    const second = await text(client.renewApiKey());
    assert.notEqual(second, first);
    assert.equal(await text(client.apiKey()), second);
    assert.equal(await sandbox.count('keys.delete'), 1);
  });

  test('answers the key by which another client has replaced it already', async () => {
    const store = new MemoryStore();
    const client = await loggedIn({ store });
    const other = make({ store });
    assert.equal(await text(other.apiKey()), await text(client.apiKey()));
    const renewed = await text(other.renewApiKey());
    assert.equal(await text(client.renewApiKey()), renewed);
    assert.equal(await sandbox.count('keys.create'), 2);
  });
});

test('logout deletes the key that was made', async () => {
  const client = await loggedIn();
  await client.apiKey();
  await client.logout();
  assert.equal(await sandbox.count('keys.delete'), 1);
});

describe('the recipe of the README, with the real SDK', () => {
  const recipe = snippet('async function withParallel').replace(/^import .*\n\n/, '');
  const [call] = /^const results = .*;$/m.exec(recipe);
  const source = recipe.replace(call, `return async () => { ${call} return results; };`);

  let baseUrl;
  before(() => {
    baseUrl = process.env.PARALLEL_BASE_URL;
    process.env.PARALLEL_BASE_URL = sandbox.dataUrl;
  });
  after(() => {
    if (baseUrl === undefined) delete process.env.PARALLEL_BASE_URL;
    else process.env.PARALLEL_BASE_URL = baseUrl;
  });

  /** What the README does to search, with a client of ours. */
  const searchOf = (client) => new Function('client', 'Parallel', source)(client, Parallel);

  test('renews a refused key once for all calls', async () => {
    const store = new MemoryStore();
    const client = await loggedIn({ store });
    const search = searchOf(client);
    assert.ok((await search()).results.length > 0);
    const { keys } = await sandbox.control('keys');
    await client.keys.delete(keys[0].app_id, keys[0].api_key_id);
    await Promise.all(Array.from({ length: 10 }, search));
    assert.equal(await sandbox.count('keys.create'), 2);

    // Another process has renewed it.
    await make({ store }).renewApiKey();
    await Promise.all(Array.from({ length: 10 }, search));
    assert.equal(await sandbox.count('keys.create'), 3);
    assert.equal((await sandbox.control('keys')).keys.length, 1);
  });

  test('hands on a second refusal', async () => {
    const search = searchOf(await loggedIn());
    await sandbox.fault({ route: 'search', status: 401, body: {}, times: 2 });
    await assert.rejects(search(), Parallel.AuthenticationError);
    assert.equal(await sandbox.count('keys.create'), 2);
    assert.equal(await sandbox.count('search'), 2);
  });

  test('starts anew after a failure', async () => {
    const client = make();
    const search = searchOf(client);
    await assert.rejects(search(), LoginRequiredError);
    const onPrompt = ({ userCode }) => sandbox.approve(userCode);
    await client.login({ openBrowser: false, onPrompt });
    assert.ok((await search()).results.length > 0);
  });
});
