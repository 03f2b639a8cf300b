// Every snippet of the README runs as it is written, and shows what the comments beside it say.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { format } from 'node:util';
import Fastify from 'fastify';
import * as library from 'parallel-account';
import { AccountClient, MemoryStore } from 'parallel-account';
import pg from 'pg';
import { block, readme, snippet, snippets } from './support/readme.mjs';
import { expectedLines, runSnippet, written } from './support/running.mjs';
import { startSandbox } from './support/sandbox.mjs';

const here = import.meta.dirname;

/** The beginnings that tests ask `snippet()` for, and run themselves. */
const elsewhere = readdirSync(here, { recursive: true })
  .filter((name) => name.endsWith('.mjs'))
  .flatMap((name) => [
    ...readFileSync(join(here, name), 'utf8').matchAll(/\bsnippet\(\s*(['"`])(.+?)\1/g),
  ])
  .map(([, , first]) => first);
const own = snippets.filter(({ code }) => !elsewhere.some((it) => `\n${code}`.includes(`\n${it}`)));

let sandbox;
let home;
const environment = { ...process.env };
before(async () => {
  sandbox = await startSandbox('--interval', 0.05, '--approve-after', 0.05);
  home = mkdtempSync(join(tmpdir(), 'parallel-account-'));
  Object.assign(process.env, sandbox.env, {
    XDG_CONFIG_HOME: home,
    CI: '1', // no browser
    PARALLEL_BASE_URL: sandbox.dataUrl,
  });
});
after(async () => {
  for (const name of Object.keys(process.env)) {
    if (!(name in environment)) delete process.env[name];
  }
  rmSync(home, { recursive: true });
  await sandbox.stop();
});

/** What a reader's program has, by chapter. */
const given = {
  'Log in': () => ({ show() {} }),
  'Headers and responses': () => ({ traceparent: '00-a-b-01' }),
  Stores: () => ({ pool: new pg.Pool(), user: { id: 'ada' } }),
};

/** Logs `my-app` in; answers what a snippet can name. */
async function loggedIn() {
  await sandbox.control('reset', {});
  const client = new AccountClient({ clientName: 'my-app' });
  await client.login({ onPrompt() {} });
  return { ...library, client };
}

/** What is written to the console meanwhile. */
async function linesOf(action) {
  const lines = [];
  const { log, debug, info } = console;
  const write = (...words) => lines.push(format(...words));
  Object.assign(console, { log: write, debug: write, info: write });
  try {
    await action();
  } finally {
    Object.assign(console, { log, debug, info });
  }
  return lines;
}

describe('what the README shows', () => {
  for (const chapter of new Set(own.map((it) => it.chapter))) {
    test(chapter, async () => {
      const variables = { ...(await loggedIn()), ...given[chapter]?.() };
      for (const { code } of own.filter((it) => it.chapter === chapter)) {
        const { lines } = await runSnippet(code, variables);
        const expected = expectedLines(code);
        assert.deepEqual(
          lines.filter((line) => expected.includes(line)),
          expected,
          lines.join('\n'),
        );
      }
    });
  }

  test('a charge whose answer is lost is made once', async () => {
    const more = { ...(await loggedIn()), orderId: 4711 };
    await sandbox.fault({ route: 'balance.add', drop_answer_after_processing: true, times: 3 });
    const { lines } = await runSnippet(snippet('const idempotencyKey'), more);
    assert.deepEqual(lines, ['5500']);
    assert.equal(await sandbox.count('balance.add'), 4);
  });

  test('the comparison sees differences', () => {
    assert.deepEqual(expectedLines('console.log(1); // one\nx; // two\n  console.log(3); // 3'), [
      'one',
      '3',
    ]);
  });
});

test('a route of Fastify', async () => {
  const app = Fastify();
  app.decorateRequest('user', null);
  app.addHook('onRequest', async (request) => {
    request.user = { id: request.headers.user };
  });
  const stores = { ada: await stored(), eve: new MemoryStore() };
  const more = { app, storeOf: (id) => stores[id], CLIENT_ID: 'parallel-cli' };
  await runSnippet(snippet("app.get('/balance'"), { ...library, ...more });
  const ask = (user) => app.inject({ url: '/balance', headers: { user } });
  Object.assign(globalThis, { ...more, AccountClient });
  assert.deepEqual((await ask('ada')).json(), { cents: 5000 });
  assert.equal((await ask('eve')).json().code, 'login_required');
  await app.close();
});

test('a serverless handler', async () => {
  const store = await stored();
  const more = { ...library, storeOf: () => store };
  const { names } = await runSnippet(snippet('export async function handler'), more);
  Object.assign(globalThis, { ...more, AccountClient });
  assert.equal((await names.handler({ userId: 'ada' })).creditBalanceCents, 5000);
});

/** A store with a login. */
async function stored() {
  await sandbox.control('reset', {});
  const store = new MemoryStore();
  await new AccountClient({ store }).login({ onPrompt() {} });
  return store;
}

test('the test of a program', async () => {
  const program = await written(`globalThis.topUp = async (client, atLeastCents) => {
    const { creditBalanceCents } = await client.balance.get();
    await client.apiKey();
    return client.balance.add(atLeastCents - creditBalanceCents).then(() => 'done', () => 'declined');
  };`);
  const file = await written(snippet("test('a card that is declined'"));
  const env = { ...process.env };
  delete env.NODE_TEST_CONTEXT; // which would hide what it says
  const args = ['--import', program, '--test-reporter=tap', file];
  const said = execFileSync(process.execPath, args, { env, encoding: 'utf8' });
  assert.match(said, /^ok 1 - a card that is declined$/m);
});

test('a fake in TypeScript', async () => {
  const file = (await written(block('ts', '## Test your program'))).replace(/mjs$/, 'mts');
  const compiler = join(here, '..', 'node_modules', '.bin', 'tsc');
  writeFileSync(file, block('ts', '## Test your program'));
  const args = [
    '--ignoreConfig',
    '--strict',
    '--noEmit',
    '--module',
    'nodenext',
    '--target',
    'es2022',
    '--skipLibCheck',
    '--types',
    'node',
    file,
  ];
  execFileSync(compiler, args, { stdio: 'pipe', cwd: join(here, '..') });
});

test('the recipe for OpenTelemetry is the example that its own test runs', () => {
  const example = readFileSync(join(here, '..', 'examples', 'opentelemetry.mjs'));
  assert.ok(String(example).endsWith(`\n\n${snippet('const tracer =')}`));
});

/** The names in the first column of the table with this head. */
function column(head) {
  const table = readme.slice(readme.indexOf(`\n${head}\n`)).split('\n\n')[0];
  return [...table.matchAll(/^\| `([\w:]+)/gm)].map(([, name]) => name);
}

test('every option is in the table', () => {
  const source = readFileSync(join(here, '..', 'ts', 'options.ts'), 'utf8');
  const [, body] = /export interface AccountClientOptions \{(.*?)^\}/ms.exec(source);
  const options = [...body.matchAll(/^ {2}(\w+)\?:/gm)].map(([, name]) => name);
  assert.ok(options.length > 15);
  assert.deepEqual(column('| option | meaning | default |').sort(), options.sort());
});

test('every call is in a table', () => {
  for (const [kind, prefix] of [
    [library.BalanceApi, 'balance'],
    [library.AppsApi, 'apps'],
    [library.KeysApi, 'keys'],
  ]) {
    for (const call of Object.getOwnPropertyNames(kind.prototype)) {
      if (call !== 'constructor') assert.ok(readme.includes(`| \`${prefix}.${call}(`), call);
    }
  }
  for (const name of Object.getOwnPropertyNames(AccountClient.prototype)) {
    if (name !== 'constructor') assert.match(readme, new RegExp(`[.\`]${name}\\(`), name);
  }
});

test('every error is in the table', () => {
  const table = readme.slice(readme.indexOf('\n| class | what to do |')).split('\n\n')[0];
  const named = new Set([...table.matchAll(/`(\w+Error)`/g)].map(([, name]) => name));
  const made = Object.keys(library).filter(
    (name) => /Error$/.test(name) && name !== 'AccountError',
  );
  assert.deepEqual([...named].sort(), made.sort());
});

test('every channel is in the table', () => {
  const named = [...readme.matchAll(/^\| `(parallel-account:[\w:]+)`/gm)].map(([, name]) => name);
  assert.equal(named.length, 7);
  const dist = readFileSync(join(here, '..', 'dist', 'index.js'), 'utf8');
  const made = [...dist.matchAll(/channel\)\("(parallel-account:[\w:]+)"\)/g)].map(
    ([, name]) => name,
  );
  assert.deepEqual(made.sort(), named.sort());
});

test('the contents name every chapter, and links lead somewhere', () => {
  const anchor = (heading) =>
    heading
      .toLowerCase()
      .replace(/[^\w -]/g, '')
      .replaceAll(' ', '-');
  const contents = [...readme.split('\n## ')[0].matchAll(/\[([^\]]+)\]\(#([\w-]+)\)/g)];
  const chapters = [...readme.matchAll(/^## (.*)$/gm)].map(([, name]) => name);
  assert.deepEqual(
    contents.map(([, name]) => name),
    chapters,
  );
  for (const [, name, link] of contents) assert.equal(link, anchor(name));
  const anchors = [...readme.matchAll(/^#+ (.*)$/gm)].map(([, name]) => anchor(name));
  const links = [...readme.matchAll(/\]\(#([\w-]+)\)/g)].map(([, link]) => link);
  assert.deepEqual(
    links.filter((link) => !anchors.includes(link)),
    [],
  );
  for (const [, path] of readme.matchAll(/`((?:examples|test|tests|tools)\/[\w./-]+)`/g)) {
    const places = [join(here, '..', path), join(here, '..', '..', path)];
    assert.ok(places.some(existsSync), path);
  }
});

test('the log of a refresh, and a channel', async () => {
  const variables = await loggedIn();
  const { names } = await runSnippet(
    snippet("const client = new AccountClient({ clientName: 'my-app', logger"),
    variables,
  );
  await names.client.balance.get();
  await sandbox.control('expire-access-token', {});
  const lines = await linesOf(() => names.client.balance.get());
  const said = lines
    .join('\n')
    .replaceAll(sandbox.accountUrl, 'https://api.parallel.ai/account')
    .replaceAll(sandbox.platformUrl, 'https://platform.parallel.ai');
  const leveled = (text) => text.replace(/\d+ ms/g, '…').replace(/req_\w+/g, '…');
  assert.equal(leveled(`${said}\n`), leveled(block('text', 'methods `debug`, `info`')));

  await runSnippet(snippet('import diagnostics from'), variables);
  const [line] = await linesOf(() => variables.client.balance.get());
  assert.match(line, /^GET http:.*\/account\/service\/v1\/balance 200 \d/);
});
