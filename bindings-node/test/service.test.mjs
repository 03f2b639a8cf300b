// examples/fastify_redis.mjs as browsers and attackers see it, with two processes on one Redis.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { get } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { compactDecrypt } from 'jose';
import { EncryptedStore } from 'parallel-account';
import { RedisStore } from 'parallel-account/stores';
import { createClient } from 'redis';
import { startEngine } from './support/engines.mjs';
import { startSandbox } from './support/sandbox.mjs';

const OLD = { '2026-05': Buffer.alloc(32, 5) };
const NEW = { '2026-11': Buffer.alloc(32, 11) };

let sandbox;
let engine;
let redis;
let services;
before(async () => {
  [sandbox, engine] = await Promise.all([startSandbox('--interval', 0.05), startEngine('redis')]);
  redis = await createClient({ url: engine.url }).connect();
  services = [await start(), await start()];
});
after(async () => {
  for (const service of services) assert.equal(await service.stop(), 0);
  redis.destroy();
  await Promise.all([sandbox.stop(), engine.end()]);
});

const EXAMPLE = join(import.meta.dirname, '..', 'examples', 'fastify_redis.mjs');

/** For LOGIN_KEYS. */
const asText = (keys) =>
  Object.entries(keys)
    .map(([id, key]) => `${id}:${key.toString('base64')}`)
    .join();

const environment = (keys) => ({
  ...process.env,
  ...sandbox.env,
  REDIS_URL: engine.url,
  PORT: '0',
  LOGIN_KEYS: keys,
});

async function start(keys = OLD) {
  const child = spawn(process.execPath, [EXAMPLE], {
    env: environment(asText(keys)),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = String((await once(child.stdout, 'data'))[0]).trim();
  const ended = once(child, 'exit');
  return {
    url,
    terminate: () => child.kill('SIGTERM'),
    async stop() {
      child.kill('SIGTERM');
      return (await ended)[0];
    },
    ended: ended.then(([code]) => code),
  };
}

/** What keeps a cookie, asks the two processes in turn, and remembers all that it was told. */
class Browser {
  cookie = '';
  seen = '';
  #asked = 0;

  async ask(method, path, { headers, service } = {}) {
    this.#asked += 1;
    const { url } = service ?? services[this.#asked % services.length];
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: { ...(this.cookie && { cookie: this.cookie }), ...headers },
    });
    for (const cookie of answer.headers.getSetCookie()) [this.cookie] = cookie.split(';');
    const text = await answer.text();
    this.seen += `${JSON.stringify([...answer.headers])} ${text}\n`;
    return { status: answer.status, ...JSON.parse(text) };
  }

  async logIn(user) {
    const { code } = await this.ask('POST', '/login');
    await sandbox.approve(code, { org_id: `org_${user}` });
    await this.becomes('authorized');
    return this;
  }

  async becomes(state) {
    for (;;) {
      const answer = await this.ask('GET', '/login');
      if (answer.state === state) return answer;
      assert.equal(answer.state, 'pending');
    }
  }
}

const storeOf = (user) => new RedisStore(redis, user);

/** What is stored for the browser's user, and whose it is. */
async function loginOf({ cookie }) {
  const { user } = JSON.parse(await redis.get(`session:${cookie.split('=')[1]}`));
  return { user, stored: await storeOf(user).load() };
}

/** All that is stored, decrypted. */
async function records() {
  const prefix = 'parallel-account:';
  const users = (await redis.keys(`${prefix}*`)).map((name) => name.slice(prefix.length));
  const load = (user) =>
    new EncryptedStore(storeOf(user), { ...NEW, ...OLD }, { subject: user }).load();
  return await Promise.all(users.map(load));
}

test('two users who never see each other, from login to logout', async () => {
  const [ada, grace] = await Promise.all([
    new Browser().logIn('ada'),
    new Browser().logIn('grace'),
  ]);
  assert.equal((await new Browser().ask('GET', '/balance')).status, 401);
  await sandbox.control('expire-access-token', {});
  const asked = Array.from({ length: 40 }, (_, at) => (at % 2 === 0 ? ada : grace));
  const answers = await Promise.all(asked.map((browser) => browser.ask('GET', '/balance')));
  for (const [at, { orgId }] of answers.entries()) {
    assert.equal(orgId, at % 2 === 0 ? 'org_ada' : 'org_grace');
  }
  assert.equal((await sandbox.control('counts')).refresh_token_reuses, 0);
  const { cookie } = ada;
  await ada.ask('POST', '/logout');
  ada.cookie = cookie;
  assert.equal((await ada.ask('GET', '/balance')).status, 401);
  assert.equal((await grace.ask('GET', '/balance')).orgId, 'org_grace');
  await grace.ask('POST', '/logout');
  assert.equal(await sandbox.count('revoke'), 2);
  for (const record of await records()) assert.doesNotMatch(record, /_token/);
});

test('what is in Redis is encrypted, and of one user', async (t) => {
  const [ada, mallory] = await Promise.all([
    new Browser().logIn('ada'),
    new Browser().logIn('mallory'),
  ]);
  const { user, stored } = await loginOf(ada);
  const { plaintext, protectedHeader } = await compactDecrypt(stored, OLD['2026-05']);
  const expected = { alg: 'dir', enc: 'A256GCM', kid: '2026-05', sub: user };
  assert.deepEqual(protectedHeader, expected);
  assert.match(Buffer.from(plaintext).toString(), /"access_token": "/);
  for (const part of [stored, ...stored.split('.').map((it) => Buffer.from(it, 'base64url'))]) {
    assert.ok(!part.includes('token'));
  }
  // Who can write to the database cannot make a user act as another one.
  await redis.set(`parallel-account:${(await loginOf(mallory)).user}`, stored);
  const service = await start();
  t.after(service.stop);
  const answer = await mallory.ask('GET', '/balance', { service });
  assert.equal(answer.status, 502);
  assert.match(answer.message, /another subject/);
  await redis.del(`parallel-account:${(await loginOf(mallory)).user}`);
});

test('keys rotate, and users stay logged in', async (t) => {
  const ada = await new Browser().logIn('ada');
  const { stored: before } = await loginOf(ada);
  const keyOf = ({ stored }) => JSON.parse(Buffer.from(stored.split('.')[0], 'base64url')).kid;

  const rotating = await start({ ...NEW, ...OLD });
  t.after(rotating.stop);
  assert.equal((await ada.ask('GET', '/balance', { service: rotating })).orgId, 'org_ada');
  assert.equal((await loginOf(ada)).stored, before);
  // Whatever is written is encrypted with the new key.
  await sandbox.control('expire-access-token', {});
  assert.equal((await ada.ask('GET', '/balance', { service: rotating })).orgId, 'org_ada');
  assert.equal(keyOf(await loginOf(ada)), '2026-11');
  assert.equal(await rotating.stop(), 0);

  const rotated = await start(NEW);
  t.after(rotated.stop);
  assert.equal((await ada.ask('GET', '/balance', { service: rotated })).orgId, 'org_ada');
  await ada.ask('POST', '/logout', { service: rotated });
  assert.equal(await rotated.stop(), 0);
});

test('the service does not start without good keys', () => {
  const key = randomBytes(32).toString('base64');
  for (const keys of [
    undefined,
    '',
    key,
    `:${key}`,
    `a:${key},`,
    `a:${key},a:${key}`,
    `a:${key}:b`,
    'a:c2VjcmV0',
    `a:!${key}`,
    `a:${key.slice(0, -1)}—`,
    `a:${key.slice(0, -1)}`,
  ]) {
    const ran = spawnSync(process.execPath, [EXAMPLE], {
      env: environment(keys),
      encoding: 'utf8',
    });
    assert.equal(ran.status, 1);
    assert.match(ran.stderr, /LOGIN_KEYS must be ID:KEY/);
    assert.ok(!(ran.stdout + ran.stderr).includes(key.slice(0, -1)));
    assert.doesNotMatch(ran.stderr, /c2VjcmV0/);
  }
});

test('the service is registered once, whatever the users and processes', async () => {
  await new Browser().logIn('ada');
  await new Browser().logIn('grace');
  assert.equal(await sandbox.count('register'), 1);
});

test('the pending login stays on the server', async () => {
  const browser = new Browser();
  const { code } = await browser.ask('POST', '/login');
  await browser.ask('GET', '/login');
  const session = await redis.get(`session:${browser.cookie.split('=')[1]}`);
  const { device_code: secret } = JSON.parse(JSON.parse(session).pending);
  assert.equal(typeof secret, 'string');
  await sandbox.approve(code);
  await browser.becomes('authorized');
  assert.doesNotMatch(browser.seen, new RegExp(secret));
  assert.doesNotMatch(browser.seen, /pending_record|device_code|access_token|refresh_token/);
});

test('who is denied can start again', async () => {
  const browser = new Browser();
  const { code } = await browser.ask('POST', '/login');
  await sandbox.control('deny', { user_code: code, wait: 10 });
  await browser.becomes('access_denied');
  assert.equal((await browser.ask('GET', '/login')).status, 401);
  await browser.logIn('ada');
});

describe('two tabs of one browser', () => {
  test('the second login counts, and the first tab shows it', async () => {
    const browser = new Browser();
    const first = await browser.ask('POST', '/login');
    const second = await browser.ask('POST', '/login');
    assert.notEqual(second.code, first.code);
    assert.equal((await browser.ask('GET', '/login')).code, second.code);
    await sandbox.approve(second.code, { org_id: 'org_ada' });
    await browser.becomes('authorized');
    assert.equal((await browser.ask('GET', '/balance')).orgId, 'org_ada');
    assert.equal((await browser.ask('POST', '/login')).status, 409);
  });

  test('poll at the same time: the tokens come once', async () => {
    const browser = new Browser();
    const { code } = await browser.ask('POST', '/login');
    await sandbox.approve(code, { org_id: 'org_ada' });
    let states = [];
    while (!states.includes('authorized')) {
      const polls = Array.from({ length: 8 }, () => browser.ask('GET', '/login'));
      states = (await Promise.all(polls)).map(({ state }) => state);
      for (const state of states) assert.match(state, /^(pending|authorized)$/);
    }
    assert.equal((await browser.ask('GET', '/balance')).orgId, 'org_ada');
  });
});

describe('an attacker', () => {
  test('who plants a session does not get the login made in it', async () => {
    const attacker = new Browser();
    await attacker.ask('POST', '/login');
    const victim = new Browser();
    victim.cookie = attacker.cookie;
    await victim.logIn('ada');
    assert.notEqual(victim.cookie, attacker.cookie);
    assert.equal((await attacker.ask('GET', '/balance')).status, 401);
    assert.equal((await attacker.ask('GET', '/login')).status, 401);
  });

  test("with a site of their own cannot use a victim's session", async () => {
    const victim = await new Browser().logIn('ada');
    for (const headers of [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ]) {
      for (const path of ['/logout', '/login']) {
        assert.equal((await victim.ask('POST', path, { headers })).status, 403);
      }
    }
    assert.equal((await victim.ask('GET', '/balance')).orgId, 'org_ada');
    assert.match(victim.seen, /session=[\w-]{43}; Max-Age=\d+; Path=\/; HttpOnly; SameSite=Lax/);
  });

  test('who makes up sessions finds none', async () => {
    const browser = new Browser();
    for (const id of ['', '*', 'x'.repeat(5000), '%00', '../parallel:client-id']) {
      browser.cookie = `session=${id}`;
      assert.equal((await browser.ask('GET', '/balance')).status, 401);
      assert.equal((await browser.ask('GET', '/login')).status, 401);
    }
  });
});

test('a process that is terminated in the middle of a refresh loses no login', async () => {
  const service = await start();
  const ada = await new Browser().logIn('ada');
  await ada.ask('GET', '/balance', { service });
  await sandbox.control('expire-access-token', {});
  await sandbox.fault({ route: 'token.refresh', delay_answer_ms: 3000 });
  const refreshes = await sandbox.count('token.refresh');
  // Not by fetch, which opens another connection at once: the service would wait for that, and the
  // refresh would end meanwhile.
  const call = get(`${service.url}/balance`, { agent: false, headers: { cookie: ada.cookie } });
  const hungUp = once(call, 'error');
  while ((await sandbox.count('token.refresh')) === refreshes) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  call.destroy(new Error('hung up'));
  await hungUp.catch(() => undefined);
  service.terminate();
  assert.equal(await service.ended, 0);
  assert.equal((await ada.ask('GET', '/balance')).orgId, 'org_ada');
  const counts = await sandbox.control('counts');
  assert.equal(counts.routes['token.refresh'], refreshes + 1);
  assert.equal(counts.refresh_token_reuses, 0);
});
