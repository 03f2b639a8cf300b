// What bad input gets, at every entry point, before anything is sent.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import {
  AccountClient,
  ConfigError,
  FileStore,
  InvalidRequestError,
  MemoryStore,
} from 'parallel-account';

const NOWHERE = { platformUrl: 'http://127.0.0.1:9', accountUrl: 'http://127.0.0.1:9' };
const APP = '2a2b3c4d-0000-4000-8000-000000000000';

const options = [
  [null, /options must be an object, not null/],
  ['name', /options must be an object, not a string/],
  [{ clientname: 'x' }, /no option clientname; there are clientName, /],
  [{ clientName: 5 }, /clientName must be a string, not the number 5/],
  [{ scopes: 'balance:read' }, /scopes must be an array of strings, not a string/],
  [{ scopes: ['balance:read', 1] }, /scopes\[1\] must be a string/],
  [{ timeout: 0 }, /timeout must be greater than 0 and at most 86400000 milliseconds/],
  [{ timeout: Number.NaN }, /timeout must be greater than 0/],
  [{ timeout: '5' }, /timeout must be a number of milliseconds, not a string/],
  [{ timeout: 86_400_001 }, /timeout must be .* \(one day\), not the number 86400001/],
  [{ deadline: Number.POSITIVE_INFINITY }, /deadline must be .* at most 86400000/],
  [{ lockTimeout: 1e15 }, /lockTimeout must be .* at most 86400000/],
  [{ storeTimeout: 1e15 }, /storeTimeout must be .* at most 86400000/],
  [{ maxRetries: 1.5 }, /maxRetries must be a non-negative integer/],
  [{ maxRetries: -1 }, /maxRetries must be a non-negative integer/],
  [{ firstPollAtOnce: 'yes' }, /firstPollAtOnce must be true or false/],
  [{ deadline: 0 }, /deadline must be greater than 0/],
  [{ deadline: 'soon' }, /deadline must be .* not a string/],
  [{ store: 'here' }, /store must be an object with load\(\) and replace\(\), not a string/],
  [{ store: { load() {} } }, /store has no method replace\(\)/],
  [{ store: { load() {}, replace() {}, cacheFor: -1 } }, /cacheFor must be 0 to 86400000/],
  [{ store: { load() {}, replace() {}, cacheFor: '5' } }, /cacheFor must be .* not a string/],
  [{ clientName: '' }, /^clientName must not be empty/],
  [{ userAgent: 'a\nb' }, /^userAgent must be printable/],
  [{ caBundle: '/nowhere' }, /^caBundle \/nowhere: /],
  [{ platformUrl: 'http://example.com' }, /^platformUrl: .* https/],
  [{ platformUrl: 'nonsense' }, /^platformUrl: .* URL/],
  [{ accountUrl: 'ftp://example.com' }, /https/],
];

describe('options of the client', () => {
  for (const [given, message] of options) {
    test(`${JSON.stringify(given)}`, () => {
      assert.throws(
        () => new AccountClient(given),
        (error) => {
          assert.ok(error instanceof ConfigError, `${error}`);
          assert.equal(error.code, 'config');
          assert.match(error.message, message);
          return true;
        },
      );
    });
  }
});

test('stores', () => {
  assert.throws(() => new FileStore(), ConfigError);
  assert.throws(() => new FileStore(7), ConfigError);
  assert.throws(() => new MemoryStore({}), ConfigError);
});

const client = new AccountClient({ ...NOWHERE, store: new MemoryStore(), maxRetries: 0 });
const never = new AbortController().signal;
const calls = {
  'an amount as text': [() => client.balance.add('100'), /amountCents must be a whole number/],
  'half a cent': [() => client.balance.add(0.5), /amountCents must be a whole number/],
  'no amount': [() => client.balance.add(), /amountCents must be .* not nothing/],
  'too little': [() => client.balance.add(0), /^amountCents must be 1 to/],
  'too much': [() => client.balance.add(10_001), /10,?000/],
  'a short key': [() => client.balance.add(1, { idempotencyKey: 'short' }), /^idempotencyKey .* 8/],
  'a key that is a number': [
    () => client.balance.add(1, { idempotencyKey: 12345678 }),
    /idempotencyKey must be a string/,
  ],
  'an unknown option': [() => client.balance.get({ time: 1 }), /no option time; there are signal/],
  'options that are none': [() => client.balance.get(5), /options must be an object/],
  'null for options': [() => client.balance.get(null), /options must be an object/],
  'an app ID that is no UUID': [() => client.apps.delete('../keys'), /UUID/],
  'an app without a name': [() => client.apps.create(''), /name/],
  'an app name that is none': [() => client.apps.create(), /name must be a string/],
  'a key without a name': [() => client.keys.create(APP, ''), /name/],
  'a key ID that is none': [() => client.keys.delete(APP), /keyId must be a string/],
  'an empty key ID': [() => client.keys.delete(APP, ''), /key/],
  'a path outside the base': [() => client.request('GET', '/../admin'), /path/i],
  'another host': [() => client.request('GET', 'https://example.com/'), /path/i],
  'no method': [() => client.request(), /method must be a string/],
  'json that is circular': [
    () => {
      const circular = {};
      circular.self = circular;
      return client.request('POST', '/service/v1/x', { json: circular });
    },
    /json cannot be written as JSON/,
  ],
  'json that is a function': [
    () => client.request('POST', '/service/v1/x', { json: () => 1 }),
    /json cannot be written as JSON/,
  ],
  'json that nests too deeply': [
    () => {
      let deep = null;
      for (let depth = 0; depth < 200; depth += 1) deep = [deep];
      return client.request('POST', '/service/v1/x', { json: deep });
    },
    /json cannot be sent: recursion limit exceeded/,
  ],
  'json with half a character': [
    () => client.request('POST', '/service/v1/x', { json: '\ud800', signal: never }),
    /json cannot be sent: .*surrogate|hex escape/,
  ],
  'a pending record that is none': [
    () => client.resumeLogin('nonsense'),
    /what pendingRecord gave/,
  ],
  'a record that is a number': [() => client.resumeLogin(5), /record must be a string or a Secret/],
  'scopes as text': [() => client.startLogin({ scopes: 'x' }), /scopes must be an array/],
  'a prompt that is no function': [
    () => client.login({ onPrompt: 'print' }),
    /onPrompt must be a function/,
  ],
  'a browser that is no boolean': [
    () => client.login({ openBrowser: 1 }),
    /openBrowser must be true or false/,
  ],
  'a login option that is unknown': [() => client.login({ prompt: 1 }), /no option prompt/],
  'an organization that is none': [() => client.selectOrganization(), /id must be a string/],
  'logout of a number': [() => client.logout({ organization: 5 }), /organization must be a string/],
  'oauth without a client ID': [() => client.oauth.requestDeviceCode(), /clientId must be/],
  'oauth with scopes as text': [
    () => client.oauth.requestDeviceCode('id', 'x'),
    /scopes must be an array/,
  ],
  'no device code': [() => client.oauth.pollToken('id'), /deviceCode must be/],
  'no refresh token': [() => client.oauth.refresh(), /refreshToken must be/],
  'nothing to revoke': [() => client.oauth.revoke(), /refreshToken must be/],
  'a time-out as text': [() => client.status({ timeout: '1' }), /timeout must be a number/],
};

describe('arguments of calls', () => {
  for (const [name, [call, message]] of Object.entries(calls)) {
    test(name, async () => {
      await assert.rejects(call(), (error) => {
        assert.ok(error instanceof InvalidRequestError, `${error.stack}`);
        assert.equal(error.code, 'invalid_request');
        assert.equal(error.status, undefined);
        assert.match(error.message, message);
        return true;
      });
    });
  }

  const times = {
    'a time-out below 0': () => client.status({ timeout: -1 }),
    'a deadline of 0': () => client.status({ deadline: 0 }),
    'a deadline of a million years': () => client.balance.get({ deadline: 3.2e16 }),
    'a login that lasts longer than a day': () => client.startLogin({ timeout: 86_400_001 }),
    'a view with no time': async () => client.withOptions({ deadline: 0 }),
  };
  for (const [name, call] of Object.entries(times)) {
    test(name, async () => {
      await assert.rejects(call(), {
        name: 'ConfigError',
        message: /^(timeout|deadline) must be greater than 0 and at most 86400000 milliseconds/,
      });
    });
  }

  test('withOptions', () => {
    assert.throws(() => client.withOptions({ signal: 1 }), InvalidRequestError);
    assert.throws(() => client.withOptions({ timeout: 'x' }), InvalidRequestError);
  });
});

test('every option is named here as it is written here, also where the core names it', () => {
  const options = (() => {
    try {
      return new AccountClient({ nonsense: 1 });
    } catch (error) {
      return error.message.split('there are ')[1].split(', ');
    }
  })();
  assert.ok(options.includes('maxRetries'), options.join());
  const source = readFileSync(join(import.meta.dirname, '..', 'ts', 'errors.ts'), 'utf8');
  const translated = new Set(/NAMES =\s*\/\\b\((.*)\)/.exec(source)[1].split('|'));
  // What only this binding has, and says itself.
  const ours = new Set(['storeTimeout']);
  for (const name of [
    ...options,
    'amountCents',
    'idempotencyKey',
    'loginHint',
    'acceptPlaintext',
    'appId',
    'keyId',
    'pendingRecord',
  ]) {
    const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    if (snake !== name && !ours.has(name)) assert.ok(translated.has(snake), snake);
  }
});
