// The examples, as users run them.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
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
      /^approved: yes\norganization: .+\nbalance: 50.00 USD\nrefreshed: yes\nrevoked: yes\n$/,
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
