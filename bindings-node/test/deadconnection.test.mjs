// A balancer that acknowledges and drops: the connection looks alive and answers nothing. Over TLS
// with HTTP/2, a call notices, and continues over a new connection.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http2 from 'node:http2';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { AccountClient, MemoryStore } from 'parallel-account';

const record = JSON.stringify({
  version: 1,
  client_id: 'c',
  selected_org_id: 'org_1',
  orgs: { org_1: { control_api: { access_token: 'at-1' } } },
});
const balance = {
  org_id: 'org_1',
  credit_balance_cents: 4200,
  pending_debit_balance_cents: 0,
  will_invoice: false,
};

async function listening(server) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server.address().port;
}

test('a connection that died silently is replaced within the call', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'parallel-account-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const [key, certificate] = ['key.pem', 'certificate.pem'].map((name) => join(folder, name));
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const made = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const files = ['-keyout', key, '-out', certificate];
  execFileSync('openssl', ['req', ...made, ...files, '-days', '2', ...names], { stdio: 'ignore' });

  const seen = [];
  const service = http2.createSecureServer({
    key: readFileSync(key),
    cert: readFileSync(certificate),
  });
  service.on('stream', (stream, headers) => {
    seen.push(`${headers[':method']} ${headers[':path']}`);
    stream.respond({ ':status': 200, 'content-type': 'application/json' });
    stream.end(JSON.stringify(balance));
  });
  const servicePort = await listening(service);
  t.after(() => service.close());

  const relayed = [];
  const balancer = net.createServer((near) => {
    const far = net.connect(servicePort, '127.0.0.1');
    relayed.push({ near, far });
    for (const end of [near, far]) end.on('error', () => {});
    near.pipe(far).pipe(near);
  });
  const port = await listening(balancer);
  t.after(() => {
    for (const { near, far } of relayed) {
      near.destroy();
      far.destroy();
    }
    balancer.close();
  });

  const base = `https://localhost:${port}`;
  const client = new AccountClient({
    platformUrl: base,
    accountUrl: base,
    caBundle: certificate,
    store: new MemoryStore(record),
  });
  t.after(() => client.close());
  assert.equal((await client.balance.get()).creditBalanceCents, 4200);
  for (const { near, far } of relayed) {
    near.unpipe(far);
    far.unpipe(near);
    near.resume();
    far.resume();
  }
  const asked = performance.now();
  // Its own time-out is 30 s.
  assert.equal((await client.balance.get()).creditBalanceCents, 4200);
  const seconds = (performance.now() - asked) / 1000;
  console.log(`recovered after ${seconds.toFixed(1)} s`);
  assert.ok(seconds < 10, `${seconds} s`);
  assert.equal(relayed.length, 2);
  assert.deepEqual(seen, ['GET /service/v1/balance', 'GET /service/v1/balance']);
});
