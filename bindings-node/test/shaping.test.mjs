// What calls send along, and what answers say besides their body.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { inspect } from 'node:util';
import { AccountError } from 'parallel-account';
import { json, startService } from './support/service.mjs';

let service;
before(async () => {
  service = await startService();
});
after(() => service.close());
afterEach(() => {
  service.requests.length = 0;
  service.answers.length = 0;
});

describe('withResponse()', () => {
  test('gives status, headers and request ID beside the result', async () => {
    const client = service.client();
    const answer = (to) =>
      json(to, 201, { app_id: 'a' }, { 'X-Two': ['1', '2'], 'set-cookie': 'canary' });
    service.answers.push(answer, answer);
    const made = await client.apps.create('x').withResponse();
    assert.deepEqual(made.data, { appId: 'a', appName: 'x' });
    assert.deepEqual([made.status, made.requestId, made.headers['x-two']], [201, 'req-1', '1, 2']);
    assert.equal('set-cookie' in made.headers, false);
    const other = await client.request('POST', '/x', { json: {} }).withResponse();
    assert.deepEqual(other.data, { app_id: 'a' });
    assert.equal(other.status, 201);
    const app = '2a2b3c4d-0000-4000-8000-000000000000';
    const calls = [
      () => client.balance.get(),
      () => client.balance.add(1),
      () => client.apps.list(),
      () => client.apps.delete(app),
      () => client.keys.delete(app, app),
    ];
    for (const call of calls) assert.equal((await call().withResponse()).status, 200);
  });

  test('rejects as the call does', async () => {
    service.answers.push((to) => json(to, 404, {}));
    await assert.rejects(service.client().request('GET', '/x').withResponse(), { status: 404 });
    await assert.rejects(service.client().balance.add(0).withResponse(), /amountCents/);
    const signal = AbortSignal.abort(new Error('enough'));
    await assert.rejects(service.client().balance.get({ signal }).withResponse(), /enough/);
  });

  test('that comes too late says so', async () => {
    const call = service.client().balance.get();
    await call;
    await assert.rejects(call.withResponse(), (error) => {
      assert.ok(error instanceof AccountError);
      assert.match(error.message, /Call it at once/);
      return true;
    });
  });

  test('of many calls at once gives each its own', async () => {
    for (let n = 0; n < 100; n += 1) {
      service.answers.push((to) => json(to, 200, { n }, { 'x-request-id': `req-${n}` }));
    }
    const client = service.client();
    const calls = Array.from({ length: 100 }, (_, n) => {
      const call = client.request('GET', '/x');
      return n % 2 === 0 ? call.withResponse() : call;
    });
    for (const [at, answer] of (await Promise.all(calls)).entries()) {
      if (at % 2 === 0) assert.equal(answer.requestId, `req-${answer.data.n}`);
      else assert.equal(typeof answer.n, 'number');
    }
  });
});

describe('headers', () => {
  test('of the client, of withOptions and of a call; the nearest counts', async () => {
    const client = service.client({
      headers: { 'x-a': 'client', 'x-b': 'client', 'x-c': 'client' },
    });
    const other = client.withOptions({ headers: { 'X-B': 'view', 'X-C': 'view' } });
    await other.balance.get({ headers: new Headers([['x-c', 'call']]) });
    await client.balance.get();
    const of = ({ headers }) => [headers['x-a'], headers['x-b'], headers['x-c']];
    assert.deepEqual(service.requests.map(of), [
      ['client', 'view', 'call'],
      ['client', 'client', 'client'],
    ]);
    assert.equal(service.requests[0].headers.authorization, 'Bearer canary-access-1');
  });

  const bad = [
    [5, /headers must be an object or pairs, not the number 5/],
    ['x-a: 1', /headers must be an object or pairs, not a string/],
    [{ 'x-a': 1 }, /the value of x-a must be a string, not the number 1/],
    [{ 'x-a': undefined }, /the value of x-a must be a string, not nothing/],
    [[['x-a']], /pairs of a name and a value/],
    [{ Authorization: 'x' }, /Authorization is set by this library.*userAgent/],
    [{ 'a b': 'x' }, /"a b" is no name of a header/],
    [{ 'x-a': 'canary\r\nx-b: 1' }, /the value of x-a cannot be sent/],
  ];
  for (const [headers, message] of bad) {
    test(`${inspect(headers)} are refused, and nothing is sent`, async () => {
      const expected = (error) => {
        assert.equal(error.code, 'config');
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /canary/);
        return true;
      };
      assert.throws(() => service.client({ headers }), expected);
      await assert.rejects(service.client().balance.get({ headers }), expected);
      assert.equal(service.requests.length, 0);
    });
  }
});
