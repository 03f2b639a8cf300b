// The classes of errors: the shared list, what they say, what an inspected one looks like.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { inspect } from 'node:util';
import * as namespace from 'parallel-account';
import { list, nonsense, panic, panicAtOnce, provoke } from './support/provoke.mjs';
import { startSandbox } from './support/sandbox.mjs';

const account = { ...namespace };

describe('the shared list of errors', () => {
  for (const { code, class: name, base } of list) {
    if (code === 'cancelled') continue;
    test(`${code} is ${name}`, () => {
      assert.equal(Object.getPrototypeOf(account[name]), account[base]);
      const error = new account[name]({ code, message: 'What happened.' });
      assert.equal(error.name, name);
      assert.ok(error instanceof account.AccountError && error instanceof Error);
      assert.match(
        inspect(error),
        new RegExp(`^${name}: What happened\\.\\n[\\s\\S]*code: '${code}'`),
      );
      assert.doesNotMatch(inspect(error), /undefined/);
    });
  }

  test('no class is missing from it', () => {
    const listed = new Set(list.map((entry) => entry.class));
    const classes = Object.keys(account).filter((name) => name.endsWith('Error'));
    const abstract = new Set(['AccountError', 'ApiError']);
    assert.deepEqual(
      classes.filter((name) => !listed.has(name) && !abstract.has(name)),
      [],
    );
  });
});

/** What a person must be able to read in the message. */
const SAYS = {
  login_required: /Log in again: the grant expired on 2026-05-28/,
  access_denied: /denied on the approval page\. Start a new login/,
  login_expired: /code expired .* Start a new login/,
  oauth: /Parallel refused the request for a device code \(invalid_scope/,
  unauthorized: /access token was refused\. Log in again/,
  payment_required: /payment was declined\. Check .* payment method/,
  permission_denied: /permission denied\. Log in with the required scope/,
  not_found: /Deleting the app: not found\. Check the ID/,
  conflict: /conflicts with what is there/,
  invalid_request: /app's name must not be empty/,
  rate_limited: /too many requests\. Wait, then try again/,
  server: /the service failed\. Try again later/,
  connection: /unknown whether creating the app succeeded\. .* Check the network/,
  tls: /No secure connection to 127\.0\.0\.1.*caBundle or SSL_CERT_FILE/,
  timeout: /did not answer within 2 s\. .*allow more time by the timeout option/,
  invalid_response: /is malformed.* Check the base URL and any proxy/,
  store: /written by a newer version.* Update parallel-account/,
  store_corrupt: /damaged.* Log in again/,
  config: /The client is closed\. Create a new one/,
  cancelled: /login was cancelled/,
  internal: /bug in parallel-account.* Please report it, with the version/,
};

describe('every code comes about, with its class and a message that says what to do', () => {
  let sandbox;
  before(async () => {
    sandbox = await startSandbox();
  });
  after(() => sandbox.stop());

  for (const entry of list) {
    test(entry.code, async () => {
      const error = await provoke(sandbox, entry);
      assert.match(error.message, SAYS[entry.code]);
      if (entry.class === null) {
        assert.ok(error instanceof DOMException);
        assert.equal(error.name, 'AbortError');
        return;
      }
      assert.equal(error.code, entry.code);
      assert.equal(error.constructor, account[entry.class]);
      assert.equal(error.name, entry.class);
      // Of a repeat that could do a thing twice nothing good is said.
      assert.ok(error.retryable === entry.retryable || error.outcomeUnknown);
    });
  }
});

describe('a panic at the border', () => {
  test('in a call', async () => {
    await assert.rejects(panic('canary-panic'), (error) => {
      assert.ok(error instanceof account.InternalError);
      assert.equal(error.outcomeUnknown, true);
      assert.doesNotMatch(inspect(error, { depth: Infinity, showHidden: true }), /canary/);
      return true;
    });
    // The bridge serves on.
    assert.equal(await new account.MemoryStore().load(), null);
  });

  test('in what is answered at once', () => {
    assert.throws(
      () => panicAtOnce('canary-panic'),
      (error) => {
        assert.ok(error instanceof account.InternalError);
        assert.doesNotMatch(inspect(error, { depth: Infinity, showHidden: true }), /canary/);
        return true;
      },
    );
  });
});

test('a value that does not become a JavaScript one fails its own call alone', async () => {
  const store = new account.MemoryStore('record');
  const calls = Array.from({ length: 50 }, (_, at) => (at % 2 === 0 ? store.load() : nonsense()));
  for (const [at, { value, reason }] of (await Promise.allSettled(calls)).entries()) {
    if (at % 2 === 0) {
      assert.equal(value, 'record');
      continue;
    }
    assert.ok(reason instanceof account.InternalError, `${reason}`);
    assert.equal(reason.outcomeUnknown, true);
    assert.match(reason.message, /did not become a JavaScript value/);
    assert.doesNotMatch(inspect(reason, { depth: Infinity, showHidden: true }), /canary/);
  }
});

describe('a stack', () => {
  const client = new account.AccountClient({ store: new account.MemoryStore() });
  const ways = {
    'a call of the API': async function ofTheCaller() {
      await client.balance.get();
    },
    'a call of the client': async function ofTheCaller() {
      await client.accessToken();
    },
    'a bad argument': async function ofTheCaller() {
      await client.balance.add('1');
    },
    'the constructor': async function ofTheCaller() {
      new account.AccountClient({ nonsense: 1 });
    },
    'a store': async function ofTheCaller() {
      await new account.MemoryStore().replace(5, 'x');
    },
    'a view of the client': async function ofTheCaller() {
      await client.withOptions({ maxRetries: 1 }).keys.create('x', 'x');
    },
  };
  for (const [name, way] of Object.entries(ways)) {
    test(`of ${name} names classes as they are called, and the caller`, async () => {
      const { stack } = await way().catch((error) => error);
      assert.match(stack, /ofTheCaller/);
      assert.doesNotMatch(stack, /\b_[A-Z]/);
    });
  }
});

describe('the key of a charge', () => {
  let sandbox;
  let client;
  before(async () => {
    sandbox = await startSandbox('--interval', 0.05);
    client = new account.AccountClient({
      ...sandbox.urls,
      store: new account.MemoryStore(),
      maxRetries: 0,
    });
    const onPrompt = ({ userCode }) => sandbox.approve(userCode);
    await client.login({ openBrowser: false, onPrompt });
  });
  after(() => sandbox.stop());

  test('that was generated is in the error, and another try with it charges once', async () => {
    await sandbox.fault({ route: 'balance.add', drop_answer_after_processing: true, times: 1 });
    const error = await client.balance.add(700).catch((error) => error);
    assert.equal(error.outcomeUnknown, true);
    const { idempotencyKey } = error;
    assert.equal(JSON.parse(JSON.stringify(error)).idempotencyKey, idempotencyKey);
    assert.ok(inspect(error).includes(`idempotencyKey: '${idempotencyKey}'`), inspect(error));
    const { creditBalanceCents } = await client.balance.add(700, { idempotencyKey });
    assert.equal(creditBalanceCents, 5700);
  });

  test('that was given is in the error, also where the answer is clear', async () => {
    await sandbox.fault({ route: 'balance.add', status: 402, body: { detail: 'declined' } });
    await assert.rejects(client.balance.add(700, { idempotencyKey: 'order-4711' }), {
      code: 'payment_required',
      idempotencyKey: 'order-4711',
    });
  });

  test('is in no other error', async () => {
    await sandbox.fault({ route: 'balance.get', status: 500 });
    for (const call of [() => client.balance.get(), () => client.balance.add(0)]) {
      const error = await call().catch((error) => error);
      assert.equal(error.idempotencyKey, undefined);
      assert.ok(!('idempotencyKey' in JSON.parse(JSON.stringify(error))));
    }
  });
});

test('an error as JSON, for structured logs', () => {
  const error = new account.RateLimitedError({
    code: 'rate_limited',
    message: 'Too many requests.',
    status: 429,
    retryAfter: 1500,
    retryable: true,
    idempotencyKey: 'key-of-a-charge',
  });
  assert.deepEqual(JSON.parse(JSON.stringify(error)), {
    name: 'RateLimitedError',
    message: 'Too many requests.',
    code: 'rate_limited',
    status: 429,
    retryAfter: 1500,
    retryable: true,
    outcomeUnknown: false,
    idempotencyKey: 'key-of-a-charge',
  });
});
