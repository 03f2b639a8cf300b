// The events of a login: stopping to wait for them.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { AccountClient, MemoryStore } from 'parallel-account';
import { startSandbox } from './support/sandbox.mjs';

let sandbox;
before(async () => {
  // Longer than any of these tests may take: an event that is waited for does not come.
  sandbox = await startSandbox('--interval', 600, '--expires-in', 3600);
});
after(() => sandbox.stop());

const start = (options) =>
  new AccountClient({ ...sandbox.urls, store: new MemoryStore(), ...options }).startLogin();

/** Has the first event there at once. */
const AT_ONCE = { firstPollAtOnce: true };

describe('the events of a login', { timeout: 60_000 }, () => {
  test('end with the reason of their signal', async () => {
    const login = await start(AT_ONCE);
    const controller = new AbortController();
    const types = [];
    await assert.rejects(
      async () => {
        for await (const { type } of login.events({ signal: controller.signal })) {
          types.push(type);
          setImmediate(() => controller.abort(new Error('enough')));
        }
      },
      { message: 'enough' },
    );
    assert.deepEqual(types, ['pending']);
  });

  test('of a signal that is aborted already', async () => {
    const login = await start();
    const signal = AbortSignal.abort(new Error('before'));
    await assert.rejects(login.events({ signal }).next(), { message: 'before' });
    assert.throws(() => login.events({ signal: 5 }), /signal must be an AbortSignal/);
    assert.throws(() => login.events({ wait: 5 }), /no option wait/);
  });

  test('are left without waiting for the one that is due', async () => {
    const login = await start();
    const events = login[Symbol.asyncIterator]();
    const due = [events.next(), events.next()];
    // By then the first one polls.
    await new Promise(setImmediate);
    assert.deepEqual(await events.return(), { value: undefined, done: true });
    for (const event of due) assert.deepEqual(await event, { value: undefined, done: true });
    assert.deepEqual(await events.next(), { value: undefined, done: true });
  });

  test('and by an exception of whoever iterates', async () => {
    const login = await start(AT_ONCE);
    const iterating = async () => {
      for await (const _ of login) throw new Error('mine');
    };
    await assert.rejects(iterating, { message: 'mine' });
    const events = login.events();
    const due = events.next();
    await new Promise(setImmediate);
    await assert.rejects(events.throw(new Error('thrown in')), { message: 'thrown in' });
    assert.equal((await due).done, true);
  });

  test('continue in another loop after one was left', async (t) => {
    const quick = await startSandbox('--interval', 0.05);
    t.after(() => quick.stop());
    const login = await start({ ...AT_ONCE, ...quick.urls });
    for await (const { type } of login) {
      assert.equal(type, 'pending');
      break;
    }
    const approved = quick.approve(login.userCode);
    const types = [];
    for await (const { type } of login) types.push(type);
    await approved;
    assert.equal(types.at(-1), 'authorized');
    assert.equal((await login.wait()).loggedIn, true);
  });

  test('end with the login’s error, once', async () => {
    const login = await start();
    const events = login.events();
    const due = events.next();
    login.cancel();
    await assert.rejects(due, { name: 'AbortError' });
    assert.deepEqual(await events.next(), { value: undefined, done: true });
  });
});
