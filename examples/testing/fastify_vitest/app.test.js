// The service against a local Parallel: `npm test`.

import { MemoryStore } from 'parallel-account';
import { startSandbox } from 'parallel-account-sandbox';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { buildApp } from './app.js';

let sandbox;
let stores;
let app;

beforeAll(async () => {
  sandbox = await startSandbox();
  for (const [name, value] of Object.entries(sandbox.environment())) vi.stubEnv(name, value);
});
afterAll(() => sandbox.stop());

beforeEach(async () => {
  await sandbox.reset();
  stores = new Map();
  app = buildApp((user) => {
    if (!stores.has(user)) stores.set(user, new MemoryStore());
    return stores.get(user);
  });
});

const send = async (user, method, url) => {
  const response = await app.inject({ method, url, headers: { 'x-user': user } });
  return [response.statusCode, response.json()];
};

const logIn = async (user, options) => {
  stores.set(user, new MemoryStore(await sandbox.loginRecord(options)));
};

test('a login', async () => {
  expect(await send('bob', 'GET', '/balance')).toEqual([401, { error: 'login_required' }]);

  const [, { code }] = await send('bob', 'POST', '/login');
  await sandbox.approve(code, { orgId: 'org_bob', orgName: 'Bob & Sons' });

  expect(await send('bob', 'GET', '/login')).toEqual([200, { state: 'authorized' }]);
  expect(await send('bob', 'GET', '/balance')).toEqual([200, { cents: 5000 }]);
});

test('a login that is denied', async () => {
  const [, { code }] = await send('bob', 'POST', '/login');
  await sandbox.deny(code);
  expect(await send('bob', 'GET', '/login')).toEqual([200, { state: 'access_denied' }]);
});

test('users have their own balance', async () => {
  await logIn('ada');
  await logIn('bob', { orgId: 'org_bob' });
  await sandbox.setBalance(100, 'org_bob');
  expect(await send('bob', 'GET', '/balance')).toEqual([200, { cents: 100 }]);
  expect(await send('ada', 'GET', '/balance')).toEqual([200, { cents: 5000 }]);
});

test('a top-up', async () => {
  await logIn('ada');
  expect(await send('ada', 'POST', '/top-up/250')).toEqual([200, { cents: 5250 }]);
});

test('a card that is declined', async () => {
  await logIn('ada');
  await sandbox.declineCard();
  expect(await send('ada', 'POST', '/top-up/250')).toEqual([402, { error: 'payment_required' }]);
});

test('a lost answer charges once', async () => {
  await logIn('ada');
  await sandbox.fault('balance.add', { dropAnswerAfterProcessing: true });
  expect(await send('ada', 'POST', '/top-up/250')).toEqual([200, { cents: 5250 }]);
  const [{ charges }] = await sandbox.organizations();
  expect(charges).toBe(1);
});

test('an access token that has expired', async () => {
  await logIn('ada');
  await sandbox.expireAccessTokens();
  expect(await send('ada', 'GET', '/balance')).toEqual([200, { cents: 5000 }]);
  expect((await sandbox.counts()).routes['token.refresh']).toBe(1);
});

test('access that was withdrawn', async () => {
  await logIn('ada');
  await sandbox.revoke();
  await sandbox.expireAccessTokens();
  expect((await send('ada', 'GET', '/balance'))[0]).toBe(401);
});

test('Parallel is down', async () => {
  await logIn('ada');
  await sandbox.breakNetwork();
  expect((await send('ada', 'GET', '/balance'))[0]).toBe(503);
  await sandbox.clearFaults();
  expect((await send('ada', 'GET', '/balance'))[0]).toBe(200);
});
