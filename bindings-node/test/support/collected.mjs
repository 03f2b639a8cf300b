// Prints how many stores that hold their clients are left after a garbage collection. Argument: what
// became of them before.

import { AccountClient } from 'parallel-account';

const mode = process.argv[2];
const FAST = { [Symbol.for('parallel-account.time-scale')]: 20 };
const stored = { record: null };

/** As applications write it: an object that is the store of the client that it holds. */
class User {
  constructor() {
    this.client = new AccountClient({ store: this, ...FAST });
  }
  async load() {
    if (mode === 'failed') throw Object.assign(new Error('down'), { user: this });
    return stored.record;
  }
  async replace(old, next) {
    if (stored.record !== old) return false;
    stored.record = next;
    return true;
  }
}

async function collect(references) {
  const left = () => references.filter((reference) => reference.deref() !== undefined).length;
  // What is native is freed after a collection, not in it.
  for (let round = 0; round < 50 && left() > 0; round += 1) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    globalThis.gc();
  }
  return left();
}

async function use() {
  const user = new User();
  if (mode === 'aborted') {
    const controller = new AbortController();
    const call = user.client.status({ signal: controller.signal });
    controller.abort();
    await call.catch(() => undefined);
  } else {
    await user.client.status().catch(() => undefined);
  }
  if (mode === 'closed') user.client.close();
  return new WeakRef(user);
}

async function control(route, body) {
  await fetch(`${process.env.SANDBOX_CONTROL}/${route}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

/** Logs in, and leaves the client in the middle of an early renewal: its call has long ended. */
async function renewEarly() {
  const user = new User();
  const onPrompt = ({ userCode }) => control('approve', { user_code: userCode, wait: 10 });
  await user.client.login({ openBrowser: false, onPrompt });
  const record = JSON.parse(stored.record);
  for (const { control_api: login } of Object.values(record.orgs)) {
    login.access_token_expires_at = Math.floor(Date.now() / 1000) + 30;
    delete login.access_token_expires_at_ms;
  }
  stored.record = JSON.stringify(record);
  await control('faults', { route: 'token.refresh', delay_answer_ms: 3000 });
  const other = new User();
  await other.client.balance.get();
  return [new WeakRef(user), new WeakRef(other)];
}

if (mode === 'working') {
  const references = await renewEarly();
  const before = stored.record;
  globalThis.gc();
  while (stored.record === before) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    globalThis.gc();
  }
  const pair = (record) => Object.values(JSON.parse(record).orgs)[0].control_api.refresh_token;
  while (pair(stored.record) === pair(before)) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    globalThis.gc();
  }
  console.log(JSON.stringify({ stored: true, left: await collect(references) }));
} else {
  const references = [];
  for (let made = 0; made < 50; made += 1) references.push(await use());
  console.log(JSON.stringify({ made: references.length, left: await collect(references) }));
}
