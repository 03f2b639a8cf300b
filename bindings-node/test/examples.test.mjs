// The examples, as people run them.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startSandbox } from './support/sandbox.mjs';

const examples = join(import.meta.dirname, '..', 'examples');
let sandbox;
let home;
let env;
before(async () => {
  sandbox = await startSandbox('--interval', 1, '--access-token-lifetime', 1);
  home = mkdtempSync(join(tmpdir(), 'parallel-account-'));
  env = { ...process.env, ...sandbox.env, HOME: home, XDG_CONFIG_HOME: home, CI: '1' };
});
after(async () => {
  rmSync(home, { recursive: true, force: true });
  await sandbox.stop();
});

/** Runs an example to its end. */
function run(name, args = [], more = {}) {
  return new Promise((resolve) => {
    const options = { env: { ...env, ...more }, timeout: 60_000 };
    execFile(process.execPath, [join(examples, name), ...args], options, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr }),
    );
  });
}

describe('demo.mjs', () => {
  test('does the whole job', async () => {
    const running = run('demo.mjs');
    await sandbox.control('approve', { wait: 20 });
    const { code, stdout, stderr } = await running;
    assert.equal(code, 0, stderr);
    assert.match(stderr, /enter the code/);
    assert.match(
      stdout,
      /^approved: yes\norganisation: .+\nbalance: 50.00 USD\nrefreshed: yes\nrevoked: yes\n$/,
    );
  });

  const says = async (running, message) => {
    const { code, stderr } = await running;
    assert.equal(code, 1);
    assert.match(stderr, message);
    assert.doesNotMatch(stderr, /^\s+at /m);
  };

  test('denied', async () => {
    const running = run('demo.mjs');
    await sandbox.control('deny', { wait: 20 });
    await says(running, /denied|said no|refused/i);
  });

  test('expired', async () => {
    const running = run('demo.mjs');
    await sandbox.control('expire-device-code', { wait: 20 });
    await says(running, /expired/i);
  });

  test('nobody listens, an insecure base, no URL', async () => {
    await says(run('demo.mjs', [], { PARALLEL_PLATFORM_URL: 'http://127.0.0.1:9' }), /127.0.0.1:9/);
    await says(run('demo.mjs', [], { PARALLEL_PLATFORM_URL: 'http://example.com' }), /https/);
    await says(
      run('demo.mjs', [], { PARALLEL_PLATFORM_URL: 'nonsense' }),
      /PARALLEL_PLATFORM_URL|URL/,
    );
  });
});

test('cli.mjs', async () => {
  const running = run('cli.mjs', ['login']);
  await sandbox.control('approve', { wait: 20 });
  assert.match((await running).stdout, /^Logged in to /);
  const says = async (...args) => (await run('cli.mjs', args)).stdout;
  assert.match(await says('status'), /example-cli/);
  assert.equal(await says('balance'), '50.00 USD\n');
  assert.equal(await says('add', '500'), '55.00 USD\n');
  assert.equal(await says('logout'), 'Logged out.\n');
  const { code, stderr } = await run('cli.mjs', ['balance']);
  assert.equal(code, 1);
  assert.match(stderr, /log in/i);
  assert.match((await run('cli.mjs', ['nonsense'])).stderr, /^Usage: /);
  assert.match((await run('cli.mjs', ['add', 'much'])).stderr, /whole number of cents/);
});

test('service.mjs: several users at once', async () => {
  const service = spawn(process.execPath, [join(examples, 'service.mjs')], {
    env: { ...env, PORT: '0', CREDENTIALS: join(home, 'users') },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = String((await once(service.stdout, 'data'))[0]).trim();
  const users = ['ada', 'grace', 'edsger'];
  const balance = async (user) => await fetch(`${url}/users/${user}/balance`);
  assert.equal((await balance('ada')).status, 401);
  const codes = await Promise.all(
    users.map(async (user) => {
      const answer = await fetch(`${url}/users/${user}/login`, { method: 'POST' });
      return (await answer.json()).code;
    }),
  );
  for (const [at, code] of codes.entries()) {
    await sandbox.approve(code, { org_id: `org_${users[at]}` });
  }
  for (const user of users) {
    let answer = await balance(user);
    // Approved, and polled for within the second.
    while (answer.status === 401) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      answer = await balance(user);
    }
    assert.equal((await answer.json()).orgId, `org_${user}`);
  }
  assert.equal((await fetch(`${url}/users/..%2Fada/balance`)).status, 400);
  service.kill('SIGTERM');
  assert.deepEqual(await once(service, 'exit'), [0, null]);
});
