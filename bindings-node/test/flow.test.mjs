// A login and what follows, against the sandbox.

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import {
  AccessDeniedError,
  AccountClient,
  ConnectionError,
  InvalidResponseError,
  LoginExpiredError,
  LoginRequiredError,
  MemoryStore,
  PaymentRequiredError,
  UnauthorizedError,
} from 'parallel-account';
import { startSandbox } from './support/sandbox.mjs';

let sandbox;
before(async () => {
  sandbox = await startSandbox('--interval', 0.05, '--slow-down-step', 0.05);
});
after(() => sandbox.stop());
beforeEach(() => sandbox.control('reset', {}));

// The announced interval is a whole second; a faster clock makes the client wait less.
const FAST = { [Symbol.for('parallel-account.time-scale')]: 20 };

const make = (more) =>
  new AccountClient({ ...sandbox.urls, ...FAST, store: new MemoryStore(), ...more });

const approve = (login) => sandbox.approve(login.userCode);

async function loggedIn(more) {
  const client = make(more);
  await client.login({ onPrompt: approve, openBrowser: false });
  return client;
}

describe('login', () => {
  test('approved: prompt, status, balance', async () => {
    const client = make();
    const prompts = [];
    const status = await client.login({
      openBrowser: false,
      async onPrompt(login) {
        prompts.push(login);
        await approve(login);
      },
    });
    assert.equal(status.loggedIn, true);
    assert.equal(typeof status.organization.id, 'string');
    assert.ok(status.accessTokenExpiresAt instanceof Date);
    assert.equal(prompts.length, 1);
    assert.match(prompts[0].promptText, new RegExp(prompts[0].userCode));
    assert.match(prompts[0].qr().svg, /^<svg|^<\?xml/);
    assert.ok(prompts[0].expiresAt > new Date());
    const balance = await client.balance.get();
    assert.equal(balance.orgId, status.organization.id);
    assert.equal(balance.creditBalanceCents, 5000);
  });

  test('denied', async () => {
    const denied = make().login({
      openBrowser: false,
      onPrompt: (login) => sandbox.control('deny', { user_code: login.userCode }),
    });
    await assert.rejects(denied, (error) => {
      assert.ok(error instanceof AccessDeniedError);
      assert.equal(error.code, 'access_denied');
      return true;
    });
  });

  test('expired', async () => {
    const expired = make().login({
      openBrowser: false,
      onPrompt: (login) => sandbox.control('expire-device-code', { user_code: login.userCode }),
    });
    await assert.rejects(expired, LoginExpiredError);
  });

  test('events, slow_down among them, end with authorized', async () => {
    await sandbox.fault({ route: 'token.poll', status: 400, body: { error: 'slow_down' } });
    const login = await make().startLogin();
    const before = login.interval;
    const types = [];
    for await (const event of login) {
      types.push(event.type);
      if (event.type === 'slow_down') {
        assert.equal(event.interval, before + 5000);
        assert.equal(login.interval, before + 5000);
        await approve(login);
      }
    }
    assert.deepEqual(types, ['slow_down', 'authorized']);
  });

  test('leaving the loop stops polling; wait() goes on', async () => {
    const login = await make().startLogin();
    for await (const event of login) {
      assert.equal(event.type, 'pending');
      break;
    }
    assert.equal(await sandbox.count('token.poll'), 1);
    await approve(login);
    assert.equal((await login.wait()).loggedIn, true);
  });

  test('another process goes on with a pending login', async () => {
    const store = new MemoryStore();
    const login = await make({ store }).startLogin();
    const record = login.pendingRecord().expose();
    const resumed = await make({ store }).resumeLogin(record);
    assert.equal(resumed.userCode, login.userCode);
    await approve(login);
    assert.equal((await resumed.wait()).loggedIn, true);
  });

  test('cancel() ends whoever waits with an AbortError', async () => {
    const login = await make().startLogin();
    const waiting = login.wait();
    login.cancel();
    await assert.rejects(waiting, { name: 'AbortError' });
  });

  test('what onPrompt throws or rejects with comes out, and the login ends', async () => {
    const thrown = new Error('no dialog');
    const client = make();
    const throwing = () => {
      throw thrown;
    };
    for (const onPrompt of [throwing, async () => throwing()]) {
      const failed = client.login({ openBrowser: false, onPrompt });
      await assert.rejects(failed, (error) => error === thrown);
    }
  });

  test('a prompt that stays open does not hold the login up', async () => {
    const status = await make().login({
      openBrowser: false,
      async onPrompt(login) {
        await approve(login);
        await new Promise(() => undefined);
      },
    });
    assert.equal(status.loggedIn, true);
  });
});

describe('a login in use', () => {
  test('no login', async () => {
    await assert.rejects(make().balance.get(), (error) => {
      assert.ok(error instanceof LoginRequiredError);
      assert.match(error.message, /log in/i);
      return true;
    });
    assert.equal((await make().status()).loggedIn, false);
  });

  test('an expired access token is renewed, once for many calls', async () => {
    const client = await loggedIn();
    const before = (await client.accessToken()).expose();
    await sandbox.control('expire-access-token', {});
    await Promise.all(Array.from({ length: 50 }, () => client.balance.get()));
    assert.notEqual((await client.accessToken()).expose(), before);
    assert.equal(await sandbox.count('token.refresh'), 1);
  });

  test('logout revokes and forgets', async () => {
    const client = await loggedIn();
    await client.logout();
    assert.equal(await sandbox.count('revoke'), 1);
    assert.equal((await client.status()).loggedIn, false);
    await assert.rejects(client.balance.get(), LoginRequiredError);
  });

  test('a revoked grant asks for a new login', async () => {
    const client = await loggedIn();
    await sandbox.control('revoke-family', {});
    await sandbox.control('expire-access-token', {});
    await assert.rejects(client.balance.get(), (error) => {
      assert.ok(error instanceof LoginRequiredError || error instanceof UnauthorizedError);
      return true;
    });
  });

  test('topping up charges once per key; a declined card says so', async () => {
    const client = await loggedIn();
    const idempotencyKey = 'order-12345678';
    await client.balance.add(250, { idempotencyKey });
    const balance = await client.balance.add(250, { idempotencyKey });
    assert.equal(balance.creditBalanceCents, 5250);
    await sandbox.control('organizations', { org_id: balance.orgId, card_declined: true });
    await assert.rejects(client.balance.add(100), PaymentRequiredError);
  });

  test('apps and keys', async () => {
    const client = await loggedIn();
    const { appId, appName } = await client.apps.create('Harbour');
    assert.equal(appName, 'Harbour');
    const apps = await client.apps.list();
    assert.equal(apps.find((app) => app.appId === appId)?.appName, 'Harbour');
    const key = await client.keys.create(appId, 'first');
    assert.ok(key.rawApiKey.expose().length > 10);
    assert.ok(key.createdAt instanceof Date);
    await client.keys.delete(appId, key.apiKeyId);
    await client.apps.delete(appId);
    assert.ok(!(await client.apps.list()).some((app) => app.appId === appId));
  });

  test('request() reaches what is not wrapped', async () => {
    const client = await loggedIn();
    const balance = await client.request('GET', '/service/v1/balance');
    assert.equal(balance.credit_balance_cents, 5000);
    const added = await client.request('POST', '/service/v1/balance/add', {
      json: { amount_cents: 100, idempotency_key: 'request-1234' },
    });
    assert.equal(added.credit_balance_cents, 5100);
  });

  test('organizations', async () => {
    const client = await loggedIn();
    const [organization] = await client.organizations();
    assert.equal(organization.selected, true);
    await client.selectOrganization(organization.id);
  });

  test('the OAuth requests one by one', async () => {
    const { oauth } = make();
    const { clientId } = await oauth.register();
    const code = await oauth.requestDeviceCode(clientId, ['balance:read']);
    assert.deepEqual(await oauth.pollToken(clientId, code.deviceCode), { state: 'pending' });
    await sandbox.approve(code.userCode);
    await new Promise((resolve) => setTimeout(resolve, 60));
    const { state, tokens } = await oauth.pollToken(clientId, code.deviceCode);
    assert.equal(state, 'tokens');
    const renewed = await oauth.refresh(tokens.refreshToken, { clientId });
    assert.notEqual(renewed.accessToken.expose(), tokens.accessToken.expose());
    await oauth.revoke(renewed.refreshToken);
  });

  test('withOptions shares the login and changes the limits', async () => {
    const client = await loggedIn();
    await sandbox.fault({ route: 'balance.get', status: 503, times: 10 });
    const before = await sandbox.count('balance.get');
    await assert.rejects(client.withOptions({ maxRetries: 0 }).balance.get(), { code: 'server' });
    assert.equal((await sandbox.count('balance.get')) - before, 1);
  });

  test('a closed client says so', async () => {
    const client = await loggedIn();
    await client[Symbol.asyncDispose]();
    await assert.rejects(client.balance.get(), { code: 'config', message: /closed/ });
  });
});

describe('bad servers', () => {
  test('nobody listens', async () => {
    const client = make({ platformUrl: 'http://127.0.0.1:9', maxRetries: 0 });
    await assert.rejects(client.oauth.register(), (error) => {
      assert.ok(error instanceof ConnectionError);
      assert.equal(error.outcomeUnknown, false);
      return true;
    });
  });

  test('HTML instead of JSON', async () => {
    await sandbox.fault({ route: 'register', status: 200, body: '<html>hello</html>' });
    await assert.rejects(make().startLogin(), InvalidResponseError);
  });

  test('a deadline ends the whole call: of the client, of a view, of one call', async () => {
    const { urls } = sandbox;
    const store = new MemoryStore();
    await make({ store }).login({ onPrompt: approve, openBrowser: false });
    // With the real clock: it is the deadline that ends the call, in spite of its retries.
    const client = new AccountClient({ ...urls, store });
    const calls = [
      () => new AccountClient({ ...urls, store, deadline: 100 }).balance.get(),
      () => client.withOptions({ deadline: 100 }).balance.get(),
      () => client.balance.get({ deadline: 100 }),
    ];
    for (const call of calls) {
      await sandbox.fault({ route: 'balance.get', delay_ms: 60_000 });
      const began = performance.now();
      await assert.rejects(call(), { code: 'timeout', name: 'TimeoutError' });
      assert.ok(performance.now() - began < 10_000);
    }
    assert.equal((await client.balance.get({ deadline: 60_000 })).creditBalanceCents, 5000);
  });

  test('a time-out of one call', async () => {
    const client = await loggedIn();
    await sandbox.fault({ route: 'balance.get', delay_ms: 5000 });
    await assert.rejects(client.balance.get({ timeout: 50, maxRetries: 0 }), { code: 'timeout' });
  });
});
