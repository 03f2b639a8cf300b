// startSandbox() as a user's tests call it, and what it says when it is called wrongly.

import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import {
  AccessDeniedError,
  ConnectionError,
  LoginExpiredError,
  LoginRequiredError,
  MemoryStore,
  PaymentRequiredError,
  PermissionDeniedError,
  ServerError,
} from 'parallel-account';
import * as kit from 'parallel-account-sandbox';

const { AccountSandbox, SandboxError, sandboxProgram, startSandbox } = kit;
const here = import.meta.dirname;
const { version } = JSON.parse(
  readFileSync(join(here, 'node_modules/parallel-account-sandbox/package.json'), 'utf8'),
);
let sandbox;

before(async () => {
  sandbox = await startSandbox();
});
after(() => sandbox.stop());
beforeEach(() => sandbox.reset());

const refused = (message) => ({ name: 'SandboxError', message });

test('a login from the prompt on', async () => {
  assert.ok(sandbox instanceof AccountSandbox);
  const client = sandbox.client();
  const by = (decide) => ({ openBrowser: false, onPrompt: (login) => decide(login) });
  const { organization } = await client.login(by((login) => sandbox.approve(login)));
  assert.equal(organization.id, 'org_sandbox');
  await assert.rejects(client.login(by((login) => sandbox.deny(login))), AccessDeniedError);
  const expired = client.login(by((login) => sandbox.expireDeviceCode(login)));
  await assert.rejects(expired, LoginExpiredError);
  const states = (await sandbox.deviceCodes()).map(({ state }) => state);
  assert.deepEqual(states, ['used', 'denied', 'expired']);
});

test('organizations', async () => {
  const options = { orgId: 'org_7', orgName: 'Seven', scopes: ['balance:read'] };
  const client = sandbox.client({ store: new MemoryStore(await sandbox.loginRecord(options)) });
  const [{ id, name }] = await client.organizations();
  assert.deepEqual([id, name], ['org_7', 'Seven']);
  await sandbox.setBalance(7, 'org_7');
  assert.equal((await client.balance.get()).creditBalanceCents, 7);
  await assert.rejects(client.balance.add(100), PermissionDeniedError);
  const found = (await sandbox.organizations()).map(({ orgId }) => orgId);
  assert.deepEqual(found, ['org_7', 'org_sandbox']);
});

test('money, apps and keys', async () => {
  const client = await sandbox.loggedInClient();
  await sandbox.declineCard();
  await assert.rejects(client.balance.add(100), PaymentRequiredError);
  await sandbox.declineCard(false);
  assert.equal((await client.balance.add(100)).creditBalanceCents, 5100);
  const appId = await sandbox.createApp('app');
  const [app] = await client.apps.list();
  assert.equal(app.appId, appId);
  const { apiKeyId } = await client.keys.create(appId, 'key');
  assert.deepEqual(
    (await sandbox.keys()).map((key) => key.apiKeyId),
    [apiKeyId],
  );
  const [{ apps }] = await sandbox.organizations();
  assert.deepEqual(apps, [{ appId, appName: 'app', keys: [apiKeyId] }]);
  assert.equal(await sandbox.deleteKeys(apiKeyId), 1);
  assert.equal(await sandbox.deleteKeys(), 0);
  await sandbox.deleteApp(appId);
  assert.deepEqual(await client.apps.list(), []);
  await sandbox.setOrganization({ keysForbidden: true });
  await assert.rejects(client.apiKey(), PermissionDeniedError);
});

test('tokens', async () => {
  const client = await sandbox.loggedInClient();
  assert.equal(await sandbox.expireAccessTokens(), 1);
  await client.balance.get();
  assert.equal((await sandbox.counts()).routes['token.refresh'], 1);
  assert.deepEqual([await sandbox.revoke(), await sandbox.revoke()], [1, 0]);
  await sandbox.expireAccessTokens();
  await assert.rejects(client.balance.get(), LoginRequiredError);
  assert.equal((await sandbox.counts()).familiesRevoked, 1);
});

test('faults', async () => {
  const client = await sandbox.loggedInClient();
  const fault = { status: 503, headers: { 'x-request-id': 'r7' }, times: 2 };
  await sandbox.fault('balance.get', fault);
  for (let i = 0; i < 2; i++) {
    await assert.rejects(
      client.balance.get(),
      (error) => error instanceof ServerError && error.requestId === 'r7',
    );
  }
  await client.balance.get();
  await sandbox.fault('balance.get', { dropAnswerAfterProcessing: true });
  await assert.rejects(client.balance.get(), ConnectionError);
  await sandbox.breakNetwork('balance');
  for (let i = 0; i < 3; i++) await assert.rejects(client.balance.get(), ConnectionError);
  assert.deepEqual(await client.apps.list(), []);
  await sandbox.clearFaults();
  await client.balance.get();
  const last = (await sandbox.requests('balance.get')).at(-1);
  assert.deepEqual([last.status, last.fault, last.contentType], [200, null, null]);
  assert.deepEqual(await sandbox.requests('balance', last.number), [last]);
});

test('durations are milliseconds, and options last until the reset', async () => {
  await sandbox.setOptions({ expiresIn: 7000, orgId: 'org_other' });
  const client = await sandbox.loggedInClient();
  const left = (await client.startLogin()).expiresAt - Date.now();
  assert.ok(left > 0 && left <= 7000, `${left}`);
  assert.equal((await client.organizations())[0].id, 'org_other');
  await sandbox.reset();
  assert.ok((await sandbox.client().startLogin()).expiresAt - Date.now() > 500_000);
});

test('require gives the same classes', () => {
  const required = createRequire(import.meta.url)('parallel-account-sandbox');
  assert.deepEqual(Object.keys(required).sort(), Object.keys(kit).sort());
  assert.equal(required.AccountSandbox, AccountSandbox);
});

test('types, as a user compiles them', () => {
  const compiler = join(here, 'node_modules', '.bin', 'tsc');
  const flags = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022'];
  const more = ['--lib', 'es2023,esnext.disposable', '--types', 'node', '--ignoreConfig'];
  for (const file of ['usage.mts', 'usage.cts']) {
    execFileSync(compiler, [...flags, ...more, file], { cwd: here, stdio: 'inherit' });
  }
});

describe('bad input', () => {
  test('a port that is taken', async () => {
    const port = Number(new URL(sandbox.platformUrl).port);
    await assert.rejects(
      startSandbox({ port }),
      refused(
        `parallel-account-sandbox ended with status 1: port ${port} is in use; choose another, ` +
          'or --port 0 for any free one',
      ),
    );
  });

  test('options', async () => {
    const message = 'A sandbox has no option color.';
    await assert.rejects(startSandbox({ color: 'red' }), { name: 'TypeError', message });
    await assert.rejects(startSandbox({ interval: -1 }), refused(/--interval must be a number/));
  });

  test('what it refuses', async () => {
    await assert.rejects(sandbox.approve('XXXX'), refused(/\(404\): XXXX is not known/));
    await assert.rejects(
      sandbox.approve(undefined, { wait: 0 }),
      refused(/no device code is pend/),
    );
    await assert.rejects(sandbox.fault('*', { tmes: 2 }), refused(/\(400\): unknown field `tmes`/));
  });

  test('a sandbox that has ended', async () => {
    const stopped = await startSandbox();
    await stopped.stop();
    await stopped.stop();
    await assert.rejects(stopped.reset(), refused('The sandbox was stopped.'));
    const killed = await startSandbox();
    process.kill(killed.pid, 'SIGKILL');
    await assert.rejects(killed.reset(), refused(/ended with SIGKILL/));
  });

  /** What the package says in a folder of its own, from which something is missing. */
  function said(code, remove) {
    const folder = mkdtempSync(join(tmpdir(), 'parallel-account-kit-'));
    const installed = join(folder, 'node_modules');
    cpSync(join(here, 'node_modules'), installed, {
      recursive: true,
      filter: (name) =>
        !/node_modules\/(?!\.bin|@parallel|parallel)[^/]+/.test(name.slice(here.length)),
    });
    if (remove !== undefined) rmSync(join(installed, remove), { recursive: true });
    const start = `${code}
      const { startSandbox } = require('parallel-account-sandbox');
      startSandbox().then((sandbox) => sandbox.client()).catch((error) => console.log(String(error)))`;
    writeFileSync(join(folder, 'start.cjs'), start);
    const { stdout, stderr } = spawnSync(process.execPath, ['start.cjs'], {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, PARALLEL_ACCOUNT_SANDBOX: '' },
    });
    rmSync(folder, { recursive: true });
    return stdout + stderr;
  }
  const platform = `${process.platform}-${process.arch}`;

  test('a program that is not installed', () => {
    assert.match(
      said('', `@parallel-account/sandbox-${platform}`),
      /SandboxError: The package @parallel-account\/sandbox-\S+ is not installed.*optional dependencies/,
    );
    assert.match(
      said("Object.defineProperty(process, 'arch', { value: 'riscv64' });"),
      /has no program for \w+-riscv64, only for linux-x64, .* With Rust, install it with `cargo inst/,
    );
    assert.match(
      said("process.env.PARALLEL_ACCOUNT_SANDBOX = '/nowhere';"),
      /PARALLEL_ACCOUNT_SANDBOX names \/nowhere, which does not exist. Name the program/,
    );
    assert.match(
      said("process.env.PARALLEL_ACCOUNT_SANDBOX = '/etc/passwd';"),
      /\/etc\/passwd could not be started: spawn/,
    );
  });

  test('without parallel-account', () => {
    assert.match(
      said('', 'parallel-account'),
      /SandboxError: Clients need the package parallel-account, .*: npm install parallel-account/,
    );
  });
});

describe('the end', () => {
  const script = (code) => {
    const file = join(here, 'program.mjs');
    writeFileSync(file, `import { startSandbox } from 'parallel-account-sandbox';\n${code}`);
    return spawn(process.execPath, [file], { cwd: here, stdio: ['pipe', 'pipe', 'inherit'] });
  };
  const start = `const sandbox = await startSandbox();
    process.stdout.write(sandbox.platformUrl);\n`;

  /** Resolves when the sandbox has ended: only then the system closes the connection. */
  async function untilItEnds(child, doing) {
    const [url] = await once(child.stdout.setEncoding('utf8'), 'data');
    const connection = connect(Number(new URL(url).port), '127.0.0.1').resume();
    await once(connection, 'connect');
    // One that was not accepted yet is reset, which `once` would take for a failure.
    const ended = new Promise((resolve) => connection.on('error', () => {}).on('close', resolve));
    doing();
    await ended;
  }

  test('of a process that is killed is that of its sandbox', async () => {
    const child = script(`${start}process.stdin.resume();`);
    await untilItEnds(child, () => child.kill('SIGKILL'));
  });

  test('of a process comes although it has a sandbox', async () => {
    const child = script(`${start}process.stdin.once('data', () => process.stdin.destroy());`);
    await untilItEnds(child, () => child.stdin.end('go'));
    if (child.exitCode === null) await once(child, 'exit');
    assert.equal(child.exitCode, 0);
  });

  test('of a block, as TypeScript compiles `await using`', async () => {
    const another = await startSandbox();
    await another[Symbol.asyncDispose]();
    await assert.rejects(another.reset(), SandboxError);
  });
});

test('the command', async () => {
  const bin = join(here, 'node_modules', '.bin', 'parallel-account-sandbox');
  for (const command of [sandboxProgram(), bin]) {
    const said = execFileSync(command, ['--version'], { encoding: 'utf8' });
    assert.equal(said, `parallel-account-sandbox ${version}\n`);
  }
  const bad = spawnSync(bin, ['--color'], { encoding: 'utf8' });
  assert.deepEqual([bad.status, bad.stdout], [2, '']);
  const child = spawn(bin, [], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'exit'), [0, null]);
});

describe('the README', () => {
  // run.sh has put it here.
  const readme = readFileSync(join(here, 'README.md'), 'utf8');
  const [tests, environment] = [...readme.matchAll(/^```js\n(.*?)^```/gms)].map(([, code]) => code);

  test('its tests', () => {
    writeFileSync(join(here, 'readme.mjs'), tests);
    // Without the variable, it would take itself for a part of these tests.
    const { NODE_TEST_CONTEXT, ...env } = process.env;
    const args = ['--test', '--test-reporter=tap', 'readme.mjs'];
    const { stdout } = spawnSync(process.execPath, args, { cwd: here, encoding: 'utf8', env });
    assert.match(stdout, /^# pass 2$/m, stdout);
  });

  test('its environment', async () => {
    const code = `import { AccountClient, MemoryStore } from 'parallel-account';
      import { startSandbox } from 'parallel-account-sandbox';
      const sandbox = await startSandbox();
      ${environment}
      const store = new MemoryStore(await sandbox.loginRecord());
      const { creditBalanceCents } = await new AccountClient({ store }).balance.get();
      try { new AccountClient(); } catch (error) { console.log(creditBalanceCents, error.name); }`;
    writeFileSync(join(here, 'environment.mjs'), code);
    const said = execFileSync(process.execPath, ['environment.mjs'], {
      cwd: here,
      encoding: 'utf8',
    });
    assert.equal(said, '5000 ConfigError\n');
  });

  test('every method is in the table', () => {
    const names = Object.getOwnPropertyNames(AccountSandbox.prototype);
    const missing = names.filter((name) => !readme.includes(`${name}(`));
    assert.deepEqual(missing, ['constructor']);
  });
});
