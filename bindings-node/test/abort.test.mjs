// AbortSignal on everything that waits.

import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { after, before, beforeEach, describe, test } from 'node:test';
import { AccountClient, MemoryStore } from 'parallel-account';
import { startSandbox } from './support/sandbox.mjs';

let sandbox;
let client;
before(async () => {
  sandbox = await startSandbox('--interval', 0.05);
});
after(() => sandbox.stop());
beforeEach(async () => {
  await sandbox.control('reset', {});
  client = new AccountClient({
    ...sandbox.urls,
    [Symbol.for('parallel-account.time-scale')]: 20,
    store: new MemoryStore(),
  });
  await client.login({ openBrowser: false, onPrompt: ({ userCode }) => sandbox.approve(userCode) });
});

const reason = new Error('the user left');
const isReason = (error) => error === reason;
const listeners = (signal) => getEventListeners(signal, 'abort').length;

/** Every call that takes a signal. */
const calls = {
  'balance.get': (options) => client.balance.get(options),
  'balance.add': (options) => client.balance.add(100, options),
  'apps.list': (options) => client.apps.list(options),
  'apps.create': (options) => client.apps.create('name', options),
  'apps.delete': (options) => client.apps.delete('2a2b3c4d-0000-4000-8000-000000000000', options),
  'keys.create': (options) =>
    client.keys.create('2a2b3c4d-0000-4000-8000-000000000000', 'name', options),
  'keys.delete': (options) =>
    client.keys.delete('2a2b3c4d-0000-4000-8000-000000000000', 'key', options),
  request: (options) => client.request('GET', '/service/v1/balance', options),
  'oauth.register': (options) => client.oauth.register(options),
  'oauth.requestDeviceCode': (options) =>
    client.oauth.requestDeviceCode('id', ['balance:read'], options),
  'oauth.pollToken': (options) => client.oauth.pollToken('id', 'code', options),
  'oauth.refresh': (options) => client.oauth.refresh('token', options),
  'oauth.revoke': (options) => client.oauth.revoke('token', options),
  login: (options) => client.login({ ...options, openBrowser: false, onPrompt: () => undefined }),
  startLogin: (options) => client.startLogin(options),
  resumeLogin: (options) => client.resumeLogin('{}', options),
  settled: (options) => client.settled(options),
  status: (options) => client.status(options),
  logout: (options) => client.logout(options),
  accessToken: (options) => client.accessToken(options),
  apiKey: (options) => client.apiKey(options),
  renewApiKey: (options) => client.renewApiKey(options),
  organizations: (options) => client.organizations(options),
  selectOrganization: (options) => client.selectOrganization('org', options),
};

describe('already aborted', () => {
  for (const [name, call] of Object.entries(calls)) {
    test(name, async () => {
      const sent = await sandbox.counts();
      await assert.rejects(call({ signal: AbortSignal.abort(reason) }), isReason);
      assert.deepEqual(await sandbox.counts(), sent);
    });
  }
});

describe('aborted during the request', () => {
  const slow = ['balance.get', 'apps.list', 'request', 'oauth.register', 'startLogin'];
  for (const name of slow) {
    test(name, async () => {
      await sandbox.fault({ route: '*', delay_ms: 60_000 });
      const controller = new AbortController();
      const began = performance.now();
      const running = calls[name]({ signal: controller.signal });
      setTimeout(() => controller.abort(reason), 30);
      await assert.rejects(running, isReason);
      assert.ok(performance.now() - began < 10_000);
      assert.equal(listeners(controller.signal), 0);
    });
  }

  test('login, while it waits for the approval', async () => {
    const controller = new AbortController();
    const running = client.login({
      openBrowser: false,
      signal: controller.signal,
      onPrompt: () => controller.abort(reason),
    });
    await assert.rejects(running, isReason);
    assert.equal(listeners(controller.signal), 0);
  });

  test('poll and wait; the login itself continues', async () => {
    const login = await client.startLogin();
    for (const step of ['poll', 'wait']) {
      const controller = new AbortController();
      const running = login[step]({ signal: controller.signal });
      controller.abort(reason);
      await assert.rejects(running, isReason);
    }
    await sandbox.approve(login.userCode);
    assert.equal((await login.wait()).loggedIn, true);
  });

  test('all who wait for a refresh: the new pair is kept anyway', async () => {
    await sandbox.control('expire-access-token', {});
    await sandbox.fault({ route: 'token.refresh', delay_answer_ms: 200 });
    const controller = new AbortController();
    const running = Array.from({ length: 5 }, () =>
      client.balance.get({ signal: controller.signal }),
    );
    const settled = Promise.allSettled(running);
    while ((await sandbox.count('token.refresh')) === 0);
    controller.abort(reason);
    for (const { reason: given } of await settled) assert.equal(given, reason);
    await client.balance.get();
    assert.equal(await sandbox.count('token.refresh'), 1);
  });
});

describe('signals of every make', () => {
  test('AbortSignal.timeout gives its TimeoutError', async () => {
    await sandbox.fault({ route: 'balance.get', delay_ms: 60_000 });
    await assert.rejects(client.balance.get({ signal: AbortSignal.timeout(30) }), {
      name: 'TimeoutError',
    });
  });

  test('AbortSignal.any', async () => {
    await sandbox.fault({ route: 'balance.get', delay_ms: 60_000 });
    const controller = new AbortController();
    const any = AbortSignal.any([controller.signal, new AbortController().signal]);
    const running = client.balance.get({ signal: any });
    controller.abort(reason);
    await assert.rejects(running, isReason);
  });

  test('without a reason it is an AbortError', async () => {
    await assert.rejects(client.balance.get({ signal: AbortSignal.abort() }), {
      name: 'AbortError',
    });
  });

  test('aborting afterwards changes nothing and no listener stays', async () => {
    const controller = new AbortController();
    const balance = await client.balance.get({ signal: controller.signal });
    assert.equal(listeners(controller.signal), 0);
    controller.abort(reason);
    assert.equal(balance.creditBalanceCents, 5000);
  });

  test('a thousand calls may share one signal, without a warning', async () => {
    const warnings = [];
    const note = (warning) => warnings.push(warning);
    process.on('warning', note);
    const controller = new AbortController();
    await Promise.all(
      Array.from({ length: 1000 }, () => client.status({ signal: controller.signal })),
    );
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', note);
    assert.deepEqual(warnings, []);
    assert.equal(listeners(controller.signal), 0);
  });

  test('something else is refused', async () => {
    await assert.rejects(client.balance.get({ signal: {} }), {
      code: 'invalid_request',
      message: 'signal must be an AbortSignal, not an object',
    });
  });
});
