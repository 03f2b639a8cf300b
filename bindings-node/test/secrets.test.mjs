// Canaries: secrets go through success and failure and must show nowhere.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { inspect } from 'node:util';
import { AccountClient, MemoryStore, Secret } from 'parallel-account';
import { startSandbox } from './support/sandbox.mjs';

const TOKENS = {
  access_token: 'canary-access-token-7f31',
  refresh_token: 'canary-refresh-token-7f31',
  token_type: 'Bearer',
  expires_in: 3600,
  org_id: 'org_canary',
};
const DEVICE = {
  device_code: 'canary-device-code-7f31',
  user_code: 'WXYZ-1234',
  verification_uri: 'https://example.com/device',
  expires_in: 600,
  interval: 1,
};
const RAW_KEY = 'canary-raw-key-7f31';
const APP = '2a2b3c4d-0000-4000-8000-000000000000';
const CANARY = /canary-(access|refresh|device|raw)/;

let sandbox;
before(async () => {
  sandbox = await startSandbox();
});
after(() => sandbox.stop());

/** Every way in which a value could be printed. */
function shown(value) {
  const ways = [
    inspect(value, { depth: 20, showHidden: true, getters: true }),
    String(value),
    `${value?.message} ${value?.stack}`,
    JSON.stringify(value) ?? '',
    inspect(Object.getOwnPropertyDescriptors(Object(value)), { depth: 20 }),
  ];
  return ways.join('\n');
}

test('no secret shows in a value, an error, or on the console', async () => {
  const seen = [];
  const note = async (promise) => {
    try {
      const value = await promise;
      seen.push(value);
      return value;
    } catch (error) {
      seen.push(error);
      return undefined;
    }
  };
  const client = new AccountClient({
    ...sandbox.urls,
    store: new MemoryStore(),
    maxRetries: 0,
    [Symbol.for('parallel-account.time-scale')]: 1000,
  });
  seen.push(client);
  await sandbox.fault({ route: 'device_code', status: 200, body: DEVICE, times: 100 });
  await sandbox.fault({ route: 'token.poll', status: 200, body: TOKENS, times: 100 });
  await sandbox.fault({ route: 'token.refresh', status: 200, body: TOKENS, times: 1 });
  const code = await note(client.oauth.requestDeviceCode('id', ['balance:read']));
  const answer = await note(client.oauth.pollToken('id', code.deviceCode));
  await note(client.oauth.refresh(answer.tokens.refreshToken));
  const login = await note(client.startLogin());
  seen.push(login.pendingRecord(), login.promptText, login.qr());
  await note(login.wait());
  await note(client.status());
  const token = await note(client.accessToken());
  await sandbox.fault({
    route: 'keys.create',
    status: 200,
    body: { api_key_id: 'k', api_key_name: 'n', app_id: APP, raw_api_key: RAW_KEY },
  });
  const key = await note(client.keys.create(APP, 'n'));

  // They did go through.
  assert.equal(token.expose(), TOKENS.access_token);
  assert.equal(code.deviceCode.expose(), DEVICE.device_code);
  assert.equal(answer.tokens.refreshToken.expose(), TOKENS.refresh_token);
  assert.equal(key.rawApiKey.expose(), RAW_KEY);
  assert.match(login.pendingRecord().expose(), CANARY);

  // A server that says back what it was sent, in every shape of an error.
  const echoes = (sent) => [
    { status: 400, body: { error: 'invalid_request', error_description: `bad ${sent}` } },
    { status: 401, body: { detail: `bad ${sent}` } },
    { status: 403, body: { error: `bad ${sent}` } },
    { status: 422, body: { detail: [{ loc: ['body', sent], msg: `bad ${sent}`, type: sent }] } },
    { status: 500, body: { error: { ref_id: 'r', message: sent, detail: sent }, type: 'error' } },
    { status: 200, body: `<html>${sent}</html>` },
  ];
  for (const fault of echoes(TOKENS.access_token)) {
    await sandbox.fault({ route: 'balance.get', times: 1, ...fault });
    await note(client.balance.get());
  }
  for (const fault of echoes(TOKENS.refresh_token)) {
    await sandbox.fault({ route: 'token.refresh', ...fault });
    await note(client.oauth.refresh(TOKENS.refresh_token));
    await sandbox.fault({ route: 'revoke', ...fault });
    await note(client.oauth.revoke(TOKENS.refresh_token));
  }
  await note(client.resumeLogin(`{"version": 1, "device_code": "${DEVICE.device_code}"`));
  await note(client.request('GET', `/service/v1/x?token=${TOKENS.access_token}`));
  await note(client.logout());
  seen.push(new MemoryStore('{"canary-access-token-7f31'));

  for (const value of seen) assert.doesNotMatch(shown(value), CANARY);
});

test('a Secret', () => {
  const secret = new Secret('canary-access');
  assert.equal(secret.expose(), 'canary-access');
  assert.equal(`${secret}`, '[secret]');
  assert.equal(JSON.stringify({ secret }), '{"secret":"[secret]"}');
  assert.doesNotMatch(shown({ secret }), CANARY);
});
