// Canaries go through success and every failure; prints all that came of it in every way in which
// a value can be printed. The parent looks for them.

import assert from 'node:assert/strict';
import { format, inspect } from 'node:util';
import { serialize } from 'node:v8';
import { AccountClient, MemoryStore, Secret } from 'parallel-account';
import { list, panic, provoke } from './provoke.mjs';
import { startSandbox } from './sandbox.mjs';

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
  expires_in: 36000,
  interval: 1,
};
const RAW_KEY = 'canary-raw-key-7f31';
const APP = '2a2b3c4d-0000-4000-8000-000000000000';
const KEPT = JSON.stringify({
  version: 1,
  selected_org_id: 'org_canary',
  orgs: { org_canary: { org_name: 'Canary', api_key: RAW_KEY, control_api: null } },
});
const sandbox = await startSandbox();

/** What a program may do with a value to have it printed. */
function shown(value) {
  return [
    inspect(value, { depth: Infinity, showHidden: true, getters: true }),
    inspect(value, { depth: Infinity, showHidden: true, customInspect: false }),
    inspect(Object.getOwnPropertyDescriptors(Object(value)), { depth: Infinity }),
    format('%s %o %j', value, value, value),
    String(value),
    `${value?.message} ${value?.stack}`,
    JSON.stringify(value) ?? '',
  ];
}

/** Also what another thread would get, where it can be sent at all. */
function sent(value) {
  try {
    return serialize(value).toString('latin1');
  } catch (error) {
    return String(error);
  }
}

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
const dataKey = await note(new AccountClient({ store: new MemoryStore(KEPT) }).apiKey());

// They did go through.
assert.equal(token.expose(), TOKENS.access_token);
assert.equal(code.deviceCode.expose(), DEVICE.device_code);
assert.equal(answer.tokens.refreshToken.expose(), TOKENS.refresh_token);
assert.equal(key.rawApiKey.expose(), RAW_KEY);
assert.equal(dataKey.expose(), RAW_KEY);
assert.match(login.pendingRecord().expose(), /canary-device-code/);

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

seen.push(new Secret(RAW_KEY), await panic('canary-panic').catch((error) => error));
for (const entry of list) seen.push(await provoke(sandbox, entry));
await sandbox.stop();

for (const value of seen) console.log(...shown(value), sent(value));
console.error(...seen);
console.log(`${seen.length} values`);
