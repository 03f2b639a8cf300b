// What must work in every runtime, without a test framework. Prints a line per check and ends with
// 1 if one failed. Arguments: the sandbox's platform and Account API URLs and its control URL.

import { AccountClient, AccountError, LoginRequiredError, MemoryStore } from 'parallel-account';

const [platformUrl, accountUrl, controlUrl] = process.argv.slice(2);
const FAST = { [Symbol.for('parallel-account.time-scale')]: 20 };
const make = (store = new MemoryStore()) =>
  new AccountClient({ platformUrl, accountUrl, store, ...FAST });
const control = (route, body) =>
  fetch(`${controlUrl}/${route}`, {
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
    let held = 0;
    const client = await loggedIn({
      load: () => record,
      async save(text) {
        record = text;
      },
      delete() {
        record = null;
      },
      async lock() {
        held += 1;
        return () => {
          held -= 1;
        };
      },
    });
    expect((await client.balance.get()).creditBalanceCents === 5000, 'the balance');
    while (held > 0) await new Promise((resolve) => setTimeout(resolve, 1));
  },
  async 'many calls'() {
    const client = await loggedIn();
    await Promise.all(Array.from({ length: 2000 }, () => client.balance.get()));
  },
};

let failed = false;
for (const [name, check] of Object.entries(checks)) {
  try {
    await check();
    console.log(`ok ${name}`);
  } catch (error) {
    failed = true;
    console.log(`FAILED ${name}: ${error?.stack ?? error}`);
  }
}
// Ends by itself: an idle client must not keep a runtime alive.
process.exitCode = failed ? 1 : 0;
