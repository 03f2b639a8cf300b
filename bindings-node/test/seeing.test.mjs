// What a program can see of what happens, and what it can send along.

import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import diagnostics from 'node:diagnostics_channel';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { inspect } from 'node:util';
import { AccountClient, FileStore, MemoryStore } from 'parallel-account';
import { native } from './support/provoke.mjs';
import { json, record, startService } from './support/service.mjs';

const FAST = { [Symbol.for('parallel-account.time-scale')]: 1000 };
const NAMES = [
  'request:start',
  'request:end',
  'request:error',
  'retry',
  'refresh',
  'store',
  'warning',
];

let service;
const cleanups = [];
before(async () => {
  service = await startService();
});
after(() => service.close());
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
  service.requests.length = 0;
  service.answers.length = 0;
});

/** Collects what is published until the test ends. */
function listen(...names) {
  const heard = [];
  for (const name of names) {
    const listener = (message) => heard.push({ name, ...message });
    diagnostics.subscribe(`parallel-account:${name}`, listener);
    cleanups.push(() => diagnostics.unsubscribe(`parallel-account:${name}`, listener));
  }
  return heard;
}

/** The same for the calls. */
function followCalls(more = {}) {
  const heard = [];
  const stages = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'];
  const subscribers = Object.fromEntries(
    stages.map((stage) => [
      stage,
      (call) => {
        heard.push({ stage, call, ...call });
        more[stage]?.(call);
      },
    ]),
  );
  const channel = diagnostics.tracingChannel('parallel-account:call');
  channel.subscribe(subscribers);
  cleanups.push(() => channel.unsubscribe(subscribers));
  return heard;
}

const TOKENS = { access_token: 'canary-access-2', refresh_token: 'canary-refresh-2' };

describe('channels', () => {
  test('tell a call with a refresh and a retry from end to end, without a secret', async () => {
    service.answers.push(
      (to) => json(to, 200, { ...TOKENS, token_type: 'bearer', expires_in: 600 }),
      (to) => json(to, 503, {}, { 'x-request-id': 'req-0' }),
    );
    const heard = listen(...NAMES);
    const client = service.client({ store: new MemoryStore(record({ expired: true })), ...FAST });
    await client.balance.get();
    const short = heard.map(({ name, method, attempt, status, requestId, outcome }) =>
      [name, method, attempt, status ?? outcome, requestId].filter((part) => part !== undefined),
    );
    assert.deepEqual(short, [
      ['request:start', 'POST', 0],
      ['request:end', 'POST', 0, 200, 'req-1'],
      ['refresh', 'renewed'],
      ['request:start', 'GET', 0],
      ['request:end', 'GET', 0, 503, 'req-0'],
      ['retry', 'GET', 0],
      ['request:start', 'GET', 1],
      ['request:end', 'GET', 1, 200, 'req-1'],
    ]);
    assert.equal(heard[3].url, `${service.url}/service/v1/balance`);
    assert.equal(heard[3].id, heard[5].id);
    assert.notEqual(heard[3].id, heard[6].id);
    assert.ok(heard[4].duration >= 0 && heard[5].after > 0);
    assert.equal(heard[2].organization, 'org_1');
    assert.doesNotMatch(inspect(heard, { depth: null, showHidden: true }), /canary/);
  });

  test('tell failures with the errors that calls reject with', async () => {
    service.answers.push((to) => to.destroy());
    const heard = listen('request:error', 'store', 'refresh');
    const failed = await service
      .client({ maxRetries: 0 })
      .balance.get()
      .catch((error) => error);
    assert.equal(heard[0].error.constructor, failed.constructor);
    assert.equal(heard[0].error.code, 'connection');

    heard.length = 0;
    const down = new Error('down');
    const store = {
      load() {
        throw down;
      },
      replace: () => false,
    };
    await service
      .client({ store })
      .balance.get()
      .catch(() => undefined);
    assert.equal(heard[0].name, 'store');
    assert.equal(heard[0].error.cause, down);

    heard.length = 0;
    service.answers.push((to) => json(to, 400, { error: 'invalid_grant' }));
    const spent = new MemoryStore(record({ expired: true }));
    await service
      .client({ store: spent, ...FAST })
      .balance.get()
      .catch(() => undefined);
    const { outcome, error } = heard.find(({ name }) => name === 'refresh');
    assert.deepEqual([outcome, error.code], ['failed', 'login_required']);
  });

  test('end a request that its signal stops', async () => {
    const ended = new Promise((resolve) => {
      const listener = (message) => resolve(message);
      diagnostics.subscribe('parallel-account:request:error', listener);
      cleanups.push(() => diagnostics.unsubscribe('parallel-account:request:error', listener));
    });
    const controller = new AbortController();
    service.answers.push(() => controller.abort());
    const stopped = service.client().balance.get({ signal: controller.signal });
    await assert.rejects(stopped, { name: 'AbortError' });
    assert.equal((await ended).error.code, 'cancelled');
  });

  test('tell a file that others can read, once and to every logger', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'parallel-account-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'auth.json');
    writeFileSync(file, record());
    chmodSync(file, 0o644);
    const heard = listen('warning');
    const lines = [];
    const logger = { warn: (line) => lines.push(line) };
    const others = Array.from({ length: 3 }, () => service.client({ logger }));
    await service.client({ store: new FileStore(file) }).balance.get();
    assert.equal(heard.length, 1);
    assert.match(heard[0].message, /read.*auth\.json/s);
    assert.deepEqual(lines, [heard[0].message]);
    for (const other of others) other.close();
  });

  test('cost nothing while nobody subscribes', async () => {
    /** Whether the native side is to tell of requests, as often as that changed. */
    const told = [false];
    const { listen: before } = native.NativeBridge.prototype;
    native.NativeBridge.prototype.listen = function (what) {
      const requests = (what & 1) === 1;
      if (told.at(-1) !== requests) told.push(requests);
      before.call(this, what);
    };
    cleanups.push(() => {
      native.NativeBridge.prototype.listen = before;
    });
    const client = service.client();
    await client.balance.get();
    assert.deepEqual(told, [false]);
    const heard = listen('request:end');
    await client.balance.get();
    await client.balance.get();
    assert.equal(heard.length, 2);
    assert.deepEqual(told, [false, true]);
    for (const cleanup of cleanups.splice(1)) cleanup();
    await client.balance.get();
    assert.equal(heard.length, 2);
    assert.deepEqual(told, [false, true, false]);
  });
});

describe('the tracing channel of calls', () => {
  test('follows a call with one object, from its operation to its request ID', async () => {
    const heard = followCalls();
    const balance = await service.client().balance.get();
    assert.equal(balance.creditBalanceCents, 4200);
    const stages = heard.map(({ stage }) => stage);
    assert.deepEqual(stages, ['start', 'end', 'asyncStart', 'asyncEnd']);
    assert.equal(new Set(heard.map(({ call }) => call)).size, 1);
    const [{ call }] = heard;
    assert.deepEqual(
      { ...call },
      {
        operation: 'balance.get',
        headers: {},
        status: 200,
        requestId: 'req-1',
      },
    );
  });

  test('has the error, and the status of a refusal', async () => {
    service.answers.push((to) => json(to, 404, { detail: 'no' }));
    const heard = followCalls();
    const error = await service
      .client()
      .request('GET', '/x')
      .catch((error) => error);
    const stages = heard.map(({ stage }) => stage);
    assert.deepEqual(stages, ['start', 'end', 'error', 'asyncStart', 'asyncEnd']);
    assert.equal(heard[2].error, error);
    assert.equal(heard[2].status, 404);
    heard.length = 0;
    await assert.rejects(service.client().balance.add(0), { code: 'invalid_request' });
    assert.equal(heard.at(-1).error.code, 'invalid_request');
    assert.equal('status' in heard.at(-1), false);
  });

  test('sends the headers of subscribers, except where the caller has their names', async () => {
    followCalls({
      start: (call) =>
        Object.assign(call.headers, { traceparent: '00-a-b-01', 'x-team': 'theirs' }),
    });
    await service.client().balance.get({ headers: { 'X-Team': 'ours' } });
    const [{ headers }] = service.requests;
    assert.deepEqual([headers.traceparent, headers['x-team']], ['00-a-b-01', 'ours']);
  });

  test('binds stores to the call', async () => {
    const storage = new AsyncLocalStorage();
    const { start } = diagnostics.tracingChannel('parallel-account:call');
    start.bindStore(storage, ({ operation }) => operation);
    cleanups.push(() => start.unbindStore(storage));
    let seen;
    const store = {
      load() {
        seen = storage.getStore();
        return record();
      },
      replace: () => true,
    };
    await service.client({ store }).balance.get();
    assert.equal(seen, 'balance.get');
    assert.equal(storage.getStore(), undefined);
  });

  test('names every call', async () => {
    const heard = followCalls();
    const client = service.client({ maxRetries: 0 });
    const calls = [
      () => client.balance.get(),
      () => client.balance.add(1),
      () => client.apps.list(),
      () => client.apps.create('x'),
      () => client.apps.delete('x'),
      () => client.keys.create('x', 'x'),
      () => client.keys.delete('x', 'x'),
      () => client.request('GET', '/x'),
      () => client.status(),
      () => client.accessToken(),
      () => client.apiKey(),
      () => client.renewApiKey(),
      () => client.organizations(),
      () => client.selectOrganization('x'),
      () => client.startLogin(),
      () => client.resumeLogin('x'),
      () => client.oauth.register(),
      () => client.oauth.requestDeviceCode('x', []),
      () => client.oauth.pollToken('x', 'x'),
      () => client.oauth.refresh('x'),
      () => client.oauth.revoke('x'),
      () => client.settled(),
      () => client.logout(),
    ];
    for (const call of calls) await call().catch(() => undefined);
    const names = heard.filter(({ stage }) => stage === 'start').map(({ operation }) => operation);
    // As they are written above.
    assert.deepEqual(
      names,
      calls.map((call) => /client\.([\w.]+)\(/.exec(String(call))[1]),
    );
  });
});

describe('a logger', () => {
  const collect = (...levels) => {
    const lines = [];
    const entries = levels.map((level) => [level, (line) => lines.push(`${level} ${line}`)]);
    return [lines, Object.fromEntries(entries)];
  };

  test('has a line for each request, retry, refresh and failure', async () => {
    const [lines, logger] = collect('debug', 'info', 'warn', 'error');
    service.answers.push((to) => json(to, 503, {}));
    await service.client({ logger, ...FAST }).balance.get();
    assert.match(
      lines[0],
      /^debug GET http:\S+\/service\/v1\/balance: 503, \d+ ms, request req-1$/,
    );
    assert.match(lines[1], /^info GET \S+: retry in \d+ ms$/);
    assert.match(lines[2], /^debug GET \S+ \(retry 1\): 200, /);
    lines.length = 0;
    service.answers.push(
      (to) => json(to, 200, { ...TOKENS, token_type: 'bearer', expires_in: 600 }),
      (to) => to.destroy(),
    );
    const store = new MemoryStore(record({ expired: true }));
    const client = service.client({ logger, store, maxRetries: 0, ...FAST });
    await client.balance.get().catch(() => undefined);
    assert.equal(lines[1], 'info The tokens of org_1 were renewed.');
    assert.match(lines[2], /^debug GET \S+: .*\(\d+ ms\)$/);
    assert.doesNotMatch(lines.join(), /canary/);
  });

  test('is only its own client’s', async () => {
    const [lines, logger] = collect('debug');
    const logged = service.client({ logger });
    await service.client().balance.get();
    assert.deepEqual(lines, []);
    await logged.withOptions({ maxRetries: 0 }).balance.get();
    assert.equal(lines.length, 1);
  });

  for (const [how, debug] of [
    [
      'throws',
      () => {
        throw new Error('no space left');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no space left'))],
  ]) {
    test(`that ${how} fails no call, and is not passed over`, async (t) => {
      const warned = new Promise((resolve) => process.once('warning', resolve));
      t.mock.method(process.stderr, 'write', () => true);
      const client = service.client({ logger: { debug } });
      assert.equal((await client.balance.get()).creditBalanceCents, 4200);
      assert.match((await warned).message, /no space left/);
    });
  }

  const loggers = [
    ['pino', /logger must be an object/],
    [null, /logger must be an object .* not null/],
    [{}, /logger has none of the methods/],
    [{ warn: 'loud' }, /logger\.warn must be a function, not a string/],
  ];
  for (const [logger, message] of loggers) {
    test(`the logger ${inspect(logger)} is refused`, () => {
      assert.throws(() => new AccountClient({ logger }), { code: 'config', message });
    });
  }
});
