// Many users in one process, whose store finds out by AsyncLocalStorage who is asking. Nobody may
// get the organization of another. Runs in every runtime.

import { AsyncLocalStorage } from 'node:async_hooks';
import { AccountClient } from 'parallel-account';

const FAST = { [Symbol.for('parallel-account.time-scale')]: 20 };
const AT_ONCE = 64;

/** Waits for one turn of the event loop, so that others come in between. */
const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

/**
 * @param sandbox `urls` and `control(route, body)`.
 * @returns How many requests were answered, how many with what is another user's, and what failed.
 */
export async function isolated(sandbox, { users, requests }) {
  const request = new AsyncLocalStorage();
  const records = new Map();

  /** One object for all users, as an application has that knows its user by the request. */
  const store = {
    async load() {
      await turn();
      return records.get(request.getStore().user);
    },
    async replace(old, next) {
      await turn();
      const { user } = request.getStore();
      if ((records.get(user) ?? null) !== old) return false;
      records.set(user, next);
      return true;
    },
  };
  const kept = new Map();
  const clientOf = (user) => {
    if (!kept.has(user)) kept.set(user, make());
    return kept.get(user);
  };

  const names = Array.from({ length: users }, (_, at) => `user${at}`);
  // Registered once, for all users.
  const { clientId } = await new AccountClient({
    ...sandbox.urls,
    store,
    ...FAST,
  }).oauth.register();
  const make = () => new AccountClient({ ...sandbox.urls, store, clientId, ...FAST });
  const logIn = (user) =>
    request.run({ user }, async () => {
      const approve = ({ userCode }) =>
        sandbox.control('approve', { user_code: userCode, wait: 10, org_id: `org_${user}` });
      await make().login({ openBrowser: false, onPrompt: approve });
    });
  await inTurns(names, logIn);

  let strangers = 0;
  const failures = [];
  const serve = (number) => {
    const user = names[(number * 7) % users];
    // Each user's access token expires three times, by the clock of the record.
    if (number % Math.max(1, Math.floor(requests / 3)) < users) expire(records, user);
    return request.run({ user }, async () => {
      // One client per request, and one per user: applications have either.
      const client = number % 2 === 0 ? make() : clientOf(user);
      try {
        const { orgId } = await client.balance.get();
        if (orgId !== `org_${user}`) strangers += 1;
        const { organization } = await client.status();
        if (organization.id !== `org_${user}`) strangers += 1;
        if (request.getStore().user !== user) strangers += 1;
      } catch (error) {
        failures.push(`${user}: ${error.message}`);
      }
    });
  };
  const numbers = Array.from({ length: requests }, (_, number) => number);
  await inTurns(numbers, serve);
  return { requests, strangers, failures };
}

/** The access token of the record has expired, so that the next call renews it. */
function expire(records, user) {
  const record = JSON.parse(records.get(user));
  for (const login of Object.values(record.orgs)) {
    if (login.control_api === undefined) continue;
    login.control_api.access_token_expires_at = 1;
  }
  records.set(user, JSON.stringify(record));
}

async function inTurns(items, work) {
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      next += 1;
      await work(items[next - 1]);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
