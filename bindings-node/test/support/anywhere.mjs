// What must work in every runtime, without a test framework. Prints a line per check and ends with
// 1 if one failed. Arguments: the platform, Account API and control URLs of two sandboxes, of which
// the first approves logins by itself.

import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { Worker } from 'node:worker_threads';
import {
  AccountClient,
  AccountError,
  FileStore,
  LoginRequiredError,
  MemoryStore,
} from 'parallel-account';
import { SqliteStore } from 'parallel-account/stores';
import { hasOneWinner, keepsOddTexts, keepsTheContract } from './contract.mjs';
import { isolated } from './isolation.mjs';

const [platformUrl, accountUrl, controlUrl, ...approving] = process.argv.slice(2);
const FAST = { [Symbol.for('parallel-account.time-scale')]: 20 };
const make = (store = new MemoryStore()) =>
  new AccountClient({ platformUrl, accountUrl, store, ...FAST });
const control = (route, body, url = controlUrl) =>
  fetch(`${url}/${route}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
const approve = (login) => control('approve', { user_code: login.userCode });
const loggedIn = async (store) => {
  const client = make(store);
  await client.login({ openBrowser: false, onPrompt: approve });
  return client;
};

function expect(condition, what) {
  if (!condition) throw new Error(what);
}

async function rejects(promise, check) {
  const error = await promise.then(
    () => undefined,
    (error) => error,
  );
  expect(check(error), `rejected with ${error}`);
}

const checks = {
  async login() {
    const client = await loggedIn();
    expect((await client.balance.get()).creditBalanceCents === 5000, 'the balance');
    await client.logout();
    expect(!(await client.status()).loggedIn, 'logged out');
  },
  async events() {
    const types = [];
    const login = await make().startLogin();
    for await (const event of login) {
      types.push(event.type);
      await approve(login);
    }
    expect(types.at(-1) === 'authorized', types.join());
  },
  async errors() {
    await rejects(
      make().balance.get(),
      (error) => error instanceof LoginRequiredError && error instanceof AccountError,
    );
  },
  async abort() {
    const login = await make().startLogin();
    const controller = new AbortController();
    const waiting = login.wait({ signal: controller.signal });
    const reason = new Error('enough');
    controller.abort(reason);
    await rejects(waiting, (error) => error === reason);
  },
  async 'stores in JavaScript'() {
    let record = null;
    const store = {
      load: () => record,
      async replace(old, next) {
        if (record !== old) return false;
        record = next;
        return true;
      },
    };
    const client = await loggedIn(store);
    expect((await client.balance.get()).creditBalanceCents === 5000, 'the balance');
    store.load = async () => {
      await client.status();
      return record;
    };
    await rejects(client.status(), (error) => error.cause?.code === 'config');
    await client.settled();
  },
  async 'abort in mid-call'() {
    const client = await loggedIn();
    for (let round = 0; round < 50; round += 1) {
      const controller = new AbortController();
      const running = client.balance.get({ signal: controller.signal });
      if (round % 2 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
      controller.abort();
      await running.catch((error) => expect(error.name === 'AbortError', `${error}`));
    }
    await client.settled();
    await rejects(
      client.oauth.requestDeviceCode('id', ['x'], { signal: AbortSignal.timeout(0) }),
      (error) => error.name === 'TimeoutError' || error instanceof AccountError,
    );
  },
  async 'file stores'() {
    const folder = mkdtempSync(join(tmpdir(), 'parallel-account-'));
    const file = join(folder, 'auth.json');
    await loggedIn(new FileStore(file));
    const isPrivate = (statSync(file).mode & 0o777) === 0o600;
    expect(isPrivate || process.platform === 'win32', 'private');
    expect((await make(new FileStore(file)).status()).loggedIn, 'shared');
    rmSync(folder, { recursive: true });
  },
  async secrets() {
    const client = await loggedIn();
    const token = await client.accessToken();
    for (const text of [inspect(token), `${token}`, JSON.stringify(token), inspect(client)]) {
      expect(!text.includes(token.expose()), 'a token is shown');
    }
  },
  async 'import and require'() {
    const require = createRequire(import.meta.url);
    expect(require('parallel-account').AccountError === AccountError, 'two copies');
    expect(typeof require('parallel-account/stores').RedisStore === 'function', 'stores');
  },
  async isolation() {
    const [users, requests] = process.env.LONG === '1' ? [200, 5000] : [20, 500];
    const sandbox = {
      urls: { platformUrl: approving[0], accountUrl: approving[1] },
      control: async (route, body) => (await control(route, body, approving[2])).text(),
    };
    const { strangers, failures } = await isolated(sandbox, { users, requests });
    expect(strangers === 0, `${strangers} got what is another's`);
    expect(failures.length === 0, failures.join());
  },
  async SQLite() {
    const database = await sqlite();
    if (database === undefined) return 'none here';
    database.exec(SqliteStore.schema);
    const make = (key) => new SqliteStore(database, key);
    await keepsTheContract(make);
    await keepsOddTexts(make);
    await hasOneWinner(make);
    const client = await loggedIn(make('ada'));
    expect((await client.balance.get()).creditBalanceCents === 5000, 'the balance');
    database.exec('BEGIN');
    await rejects((async () => make('eve').replace(null, 'x'))(), (error) =>
      /open transaction/.test(error),
    );
    database.close();
  },
  async 'worker threads'() {
    const urls = { platformUrl, accountUrl };
    const file = new URL('./worker.mjs', import.meta.url);
    const start = (mode) => new Worker(file, { workerData: { mode, urls } });
    const message = (worker) =>
      new Promise((resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', reject);
      });
    const answering = start('balance');
    expect((await message(answering)) === 5000, 'the balance');
    const endless = start('forever');
    await message(endless);
    await endless.terminate();
    const again = start('balance');
    expect((await message(again)) === 5000, 'the balance after a terminated worker');
  },
  async 'many calls'() {
    const client = await loggedIn();
    await Promise.all(Array.from({ length: 2000 }, () => client.balance.get()));
  },
};

/** A database of the runtime's own; Node has one from 22.5 on. */
async function sqlite() {
  if (process.versions.bun) return new (await import('bun:sqlite')).Database(':memory:');
  const module = await import('node:sqlite').catch(() => undefined);
  return module && new module.DatabaseSync(':memory:');
}

let failed = false;
for (const [name, check] of Object.entries(checks)) {
  try {
    const note = await check();
    console.log(`ok ${name}${note === undefined ? '' : ` (${note})`}`);
  } catch (error) {
    failed = true;
    console.log(`FAILED ${name}: ${error?.stack ?? error}`);
  }
}
// Ends by itself: an idle client must not keep a runtime alive.
process.exitCode = failed ? 1 : 0;
