// The variables that a client is made by.

import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { createServer as createProxy } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { SHARE_ENV, Worker } from 'node:worker_threads';
import { record, startService } from './support/service.mjs';

const support = (name) => join(import.meta.dirname, 'support', name);

describe('a worker with variables of its own', () => {
  let service;
  before(async () => {
    service = await startService();
  });
  after(() => service.close());

  /** What the worker posts. */
  async function answer(env, data = { record: record() }) {
    const worker = new Worker(support('environment.mjs'), { env, workerData: data });
    // Both may come in one turn of the event loop.
    const [[message]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')]);
    return message;
  }
  const bases = () => ({
    PARALLEL_PLATFORM_URL: service.url,
    PARALLEL_SERVICE_API_URL: service.url,
  });

  test('finds the services by them', async () => {
    assert.deepEqual(await answer(bases()), { cents: 4200 });
    const { code, message } = await answer({ ...bases(), PARALLEL_SERVICE_API_URL: 'nonsense' });
    assert.equal(code, 'config');
    assert.match(message, /^PARALLEL_SERVICE_API_URL: /);
  });

  test('may be forbidden to share the default login', async () => {
    const env = { ...bases(), PARALLEL_ACCOUNT_REQUIRE_STORE: '1' };
    const { code, message } = await answer(env, { record: undefined });
    assert.equal(code, 'config');
    assert.match(message, /PARALLEL_ACCOUNT_REQUIRE_STORE is set/);
  });

  test('goes through its proxy', async (t) => {
    const asked = [];
    const proxy = createProxy((socket) => {
      socket.once('data', (text) => {
        asked.push(String(text).split('\r\n')[0]);
        socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
      });
    }).listen(0, '127.0.0.1');
    t.after(() => proxy.close());
    await once(proxy, 'listening');
    const env = {
      PARALLEL_SERVICE_API_URL: 'https://account.invalid',
      PARALLEL_PLATFORM_URL: 'https://platform.invalid',
      HTTPS_PROXY: `http://127.0.0.1:${proxy.address().port}`,
    };
    const { code } = await answer(env);
    assert.equal(code, 'connection');
    assert.deepEqual(asked, ['CONNECT account.invalid:443 HTTP/1.1']);
    asked.length = 0;
    await answer({ ...env, NO_PROXY: 'account.invalid' });
    assert.deepEqual(asked, []);
  });

  test('or with the process’s, where it shares them', async (t) => {
    Object.assign(process.env, bases());
    t.after(() => {
      for (const name of Object.keys(bases())) delete process.env[name];
    });
    assert.deepEqual(await answer(SHARE_ENV), { cents: 4200 });
    assert.deepEqual(await answer(undefined), { cents: 4200 });
  });
});

describe('certificates to trust', () => {
  let folder;
  let server;
  let url;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'parallel-account-'));
    for (const name of ['own', 'other']) {
      const names = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:localhost'];
      const made = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
      const files = ['-keyout', path(`${name}.key`), '-out', path(`${name}.pem`)];
      execFileSync('openssl', ['req', ...made, ...files, '-days', '2', ...names], {
        stdio: 'ignore',
      });
    }
    const pair = { key: readFileSync(path('own.key')), cert: readFileSync(path('own.pem')) };
    server = createServer(pair, (_, response) =>
      response.end('{"org_id":"o","credit_balance_cents":4200}'),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `https://localhost:${server.address().port}`;
  });
  after(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });
  const path = (name) => join(folder, name);

  function run({ env = {}, caBundle = '' }) {
    return new Promise((resolve, reject) => {
      const options = { env: { ...process.env, ...env } };
      execFile(process.execPath, [support('trusting.mjs'), url, caBundle], options, (error, out) =>
        error === null ? resolve(JSON.parse(out)) : reject(error),
      );
    });
  }

  test('come from NODE_EXTRA_CA_CERTS, also besides a caBundle', async () => {
    assert.match((await run({})).outcome, /^tls: /);
    const env = { NODE_EXTRA_CA_CERTS: path('own.pem') };
    assert.equal((await run({ env })).outcome, 4200);
    assert.equal((await run({ env, caBundle: path('other.pem') })).outcome, 4200);
  });

  test('come from a caBundle, also besides NODE_EXTRA_CA_CERTS', async () => {
    const env = { NODE_EXTRA_CA_CERTS: path('other.pem') };
    assert.equal((await run({ env, caBundle: path('own.pem') })).outcome, 4200);
    assert.match((await run({ env })).outcome, /^tls: /);
  });

  test('that NODE_EXTRA_CA_CERTS names in vain are a warning, as for Node', async () => {
    writeFileSync(path('nonsense.pem'), 'nonsense');
    for (const name of ['nowhere.pem', 'nonsense.pem']) {
      const env = { NODE_EXTRA_CA_CERTS: path(name) };
      const { outcome, lines } = await run({ env, caBundle: path('own.pem') });
      assert.equal(outcome, 4200);
      assert.equal(lines.length, 1);
      assert.match(lines[0], new RegExp(`^NODE_EXTRA_CA_CERTS .*${name}: it `));
    }
  });
});
