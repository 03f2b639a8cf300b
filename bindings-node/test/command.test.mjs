// The command of the package: to whoever calls it, it is the plain binary. Each test runs both and
// compares how they end and what they write.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { program } from './support/program.mjs';
import { startSandbox } from './support/sandbox.mjs';

const run = promisify(execFile);
const commands = {
  node: [process.execPath, join(import.meta.dirname, '..', 'dist', 'command.js')],
  binary: [program('parallel-account', 'parallel-account-cli')],
};

let sandbox;
let folder;
before(async () => {
  sandbox = await startSandbox('--interval', 0.05);
  folder = mkdtempSync(join(tmpdir(), 'parallel-account-'));
  // A login's key, so that what needs one asks nobody.
  const org = { org_name: 'One', api_key: 'the-key', control_api: null };
  const record = { version: 1, selected_org_id: 'org_1', orgs: { org_1: org } };
  writeFileSync(join(folder, 'kept.json'), JSON.stringify(record), { mode: 0o600 });
});
after(async () => {
  await sandbox.stop();
  rmSync(folder, { recursive: true });
});

const environment = () => ({
  PATH: process.env.PATH,
  HOME: folder,
  TERM: 'xterm',
  CI: '1',
  ...sandbox.env,
});

/** Waits until a stream has said that, or has ended. */
function until(stream, pattern) {
  return new Promise((resolve) => {
    let text = '';
    const note = (more) => {
      text += more;
      if (pattern.test(text)) resolve();
    };
    stream.on('data', note).on('end', resolve);
  });
}

/** What differs between two runs and means nothing. */
const plain = (text) =>
  text
    .replaceAll(sandbox.platformUrl, '<platform>')
    .replaceAll(/\b[A-Z0-9]{4}-[A-Z0-9]{4}\b/g, '<code>')
    .replaceAll(/\b\d+:\d\d\b/g, '<time>');

/** Runs both; `play` gets the process of each. Answers what both did. */
async function both(args, { stdio = ['ignore', 'pipe', 'pipe'], play = () => undefined } = {}) {
  const outcomes = {};
  for (const [name, [file, ...before]] of Object.entries(commands)) {
    const limit = { timeout: 30_000, killSignal: 'SIGKILL' };
    const options = { stdio, env: environment(), ...limit };
    const child = spawn(file, [...before, ...args], options);
    const said = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr']) {
      child[stream]?.setEncoding('utf8').on('data', (text) => {
        said[stream] += text;
      });
    }
    const closed = once(child, 'close');
    await play(child);
    const [code, signal] = await closed;
    outcomes[name] = { code, signal, stdout: plain(said.stdout), stderr: plain(said.stderr) };
  }
  assert.deepEqual(outcomes.node, outcomes.binary);
  return outcomes.node;
}

/** The same by a shell, as `"$@"`: for what Node cannot hand to a process. */
async function byShell(script, ...args) {
  const outcomes = [];
  for (const command of Object.values(commands)) {
    const options = { env: environment(), encoding: 'buffer' };
    const shell = run('sh', ['-c', script, 'sh', ...command, ...args], options);
    const { code = 0, stdout, stderr } = await shell.catch((error) => error);
    outcomes.push({ code, stdout, stderr });
  }
  const [node, binary] = outcomes;
  assert.deepEqual(node, binary);
  return node;
}

/** Runs `exec`, which needs a key, without anything of the network. */
const exec = (...command) => ['--store', join(folder, 'kept.json'), 'exec', '--', ...command];

describe('a process', () => {
  test('says its version', async () => {
    const { code, stdout } = await both(['--version']);
    assert.deepEqual([code, stdout], [0, 'parallel-account 0.1.0\n']);
  });

  test('refuses bad input with 2', async () => {
    for (const args of [[], ['nonsense'], ['balance', 'add', 'much'], ['']]) {
      assert.equal((await both(args)).code, 2);
    }
  });

  test('says with 3 that nobody is logged in', async () => {
    assert.equal((await both(['status', '--store', join(folder, 'none.json')])).code, 3);
  });

  test('survives a reader that goes away', async () => {
    const gone = ({ stdout }) => stdout.destroy();
    await both(['--help'], { play: gone });
    await byShell('"$@" --help | head -n 1');
  });

  test('runs with streams that are closed', async () => {
    await byShell('"$@" --version >&- 2>&- <&-');
    await byShell('"$@" --help >/dev/full');
  });

  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', undefined],
    ['SIGHUP', undefined],
    ['SIGUSR1', undefined],
  ]) {
    test(`ends at ${signal}`, async () => {
      const outcome = await both(['login', '--no-browser'], {
        async play(child) {
          await until(child.stderr, /Waiting for the approval\.\n/);
          child.kill(signal);
        },
      });
      if (code !== undefined) assert.equal(outcome.code, code);
    });
  }
});

describe('exec', () => {
  test("ends as its program does, in the caller's environment", async () => {
    assert.equal((await both(exec('sh', '-c', 'exit 7'))).code, 7);
    await both(exec('sh', '-c', 'kill -TERM $$'));
    const { stdout } = await both(exec('env'));
    assert.match(stdout, /^PARALLEL_API_KEY=the-key$/m);
    assert.doesNotMatch(stdout, /NODE/);
  });

  test('hands over signals, and no descriptor of its own', {
    skip: process.platform !== 'linux',
  }, async () => {
    await both(exec('grep', '^Sig[BIC]', '/proc/self/status'));
    await both(exec('sh', '-c', 'ls /proc/self/fd | wc -l'));
    const { stdout } = await both(
      exec('sh', '-c', 'trap "echo caught; exit 5" TERM; echo up; read x'),
      {
        stdio: ['pipe', 'pipe', 'pipe'],
        async play(child) {
          await until(child.stdout, /up/);
          child.kill('SIGTERM');
        },
      },
    );
    assert.equal(stdout, 'up\ncaught\n');
  });

  test('passes arguments on that are not Unicode', async () => {
    const script = '"$@" "$(printf "a\\377b")"';
    const { stdout } = await byShell(script, ...exec('printf', '%s'));
    assert.deepEqual(stdout, Buffer.from('a\xffb', 'latin1'));
  });
});

describe('on a terminal', { skip: process.platform === 'win32' }, () => {
  const script = join(import.meta.dirname, 'support', 'terminal.py');

  /** Runs both; answers the output of Node's and how both ended. */
  async function onTerminal(args, steps) {
    const outcomes = [];
    for (const command of Object.values(commands)) {
      const line = [script, JSON.stringify(steps), ...command, ...args];
      const { stdout } = await run('python3', line, { env: environment() });
      outcomes.push(JSON.parse(stdout));
    }
    const [{ output, ...ending }, { output: plainly, ...plainEnding }] = outcomes;
    assert.deepEqual(ending, plainEnding);
    return { ...ending, output: plain(output), plainly: plain(plainly) };
  }

  const login = ['login', '--no-browser'];

  test('Ctrl-C ends a login with 130 and puts the terminal right', async () => {
    const { code, restored } = await onTerminal(login, [{ after: 'Waiting', type: '\x03' }]);
    assert.deepEqual([code, restored], [130, true]);
  });

  test('SIGTERM puts the terminal right, too', async () => {
    const { restored } = await onTerminal(login, [{ after: 'Waiting', signal: 'TERM' }]);
    assert.equal(restored, true);
  });

  test('a window that changes its size ends nothing', async () => {
    const steps = [
      { after: 'Waiting', resize: [10, 30] },
      { after: 'Waiting', type: '\x03' },
    ];
    assert.equal((await onTerminal(login, steps)).code, 130);
  });

  test('Ctrl-C reaches the program that exec runs', async () => {
    const trap = 'trap "echo caught; exit 5" INT; echo up; while :; do read x; done';
    const steps = [{ after: 'up', type: '\x03' }];
    const { code, output } = await onTerminal(exec('sh', '-c', trap), steps);
    assert.equal(code, 5);
    assert.match(output, /caught/);
  });

  test('the help looks the same', async () => {
    const { output, plainly } = await onTerminal(['--help'], []);
    assert.match(output, /login/);
    assert.equal(output, plainly);
  });
});
