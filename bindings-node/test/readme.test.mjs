// What the README shows of calls and of seeing what happens, as it is there.

import assert from 'node:assert/strict';
import diagnostics from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { AccountClient, MemoryStore } from 'parallel-account';
import { startSandbox } from './support/sandbox.mjs';

const readme = readFileSync(join(import.meta.dirname, '..', 'README.md'), 'utf8');

/** The code after that sentence or heading. */
function code(before) {
  const from = readme.indexOf(before);
  assert.notEqual(from, -1, `the README has no "${before}"`);
  return /```js\n(.*?)```/s.exec(readme.slice(from))[1];
}

/** Runs it with these variables, without its imports; answers the variables of these names. */
async function run(text, variables, ...answers) {
  const body = `${text.replace(/^import .*$/gm, '')}\nreturn { ${answers.join(', ')} };`;
  const AsyncFunction = run.constructor;
  return await new AsyncFunction(...Object.keys(variables), body)(...Object.values(variables));
}

let sandbox;
let store;
/** A client of the README’s options on the sandbox, logged in. */
class Client extends AccountClient {
  constructor(options) {
    super({ ...sandbox.urls, ...options, store });
  }
}
before(async () => {
  sandbox = await startSandbox('--interval', 0.05);
  store = new MemoryStore();
  const onPrompt = ({ userCode }) => sandbox.approve(userCode);
  await new Client().login({ openBrowser: false, onPrompt });
});
after(() => sandbox.stop());

test('the events of a login with a signal', async () => {
  const login = await new Client().startLogin();
  const lines = [];
  const approved = sandbox.approve(login.userCode);
  await run(code('`login.events({ signal })` are'), {
    login,
    console: { log: (x) => lines.push(x) },
  });
  await approved;
  assert.equal(lines.at(-1), 'authorized');
});

test('headers', async () => {
  const variables = { AccountClient: Client, traceparent: '00-a-b-01' };
  const { balance } = await run(code('`headers` is an object'), variables, 'balance');
  assert.equal(balance.creditBalanceCents, 5000);
});

test('withResponse()', async () => {
  const variables = { client: new Client(), json: { app_name: 'x' } };
  const answers = ['data', 'status', 'requestId', 'made'];
  const shown = await run(code('It must follow the call at once'), variables, ...answers);
  assert.equal(shown.data.creditBalanceCents, 5000);
  assert.equal(shown.status, 200);
  assert.equal(typeof shown.requestId, 'string');
  assert.equal(typeof shown.made.data.app_id, 'string');
});

test('a logger', async () => {
  const lines = [];
  const console = { debug: (line) => lines.push(line) };
  const { client } = await run(
    code('A client logs to'),
    { AccountClient: Client, console },
    'client',
  );
  await client.balance.get();
  assert.match(lines[0], /^GET .*: 200/);
});

test('a channel', async () => {
  const lines = [];
  const console = { log: (...words) => lines.push(words) };
  await run(code('| `parallel-account:warning`'), { diagnostics, console });
  await new Client().balance.get();
  assert.deepEqual(lines[0].slice(0, 3), ['GET', `${sandbox.accountUrl}/service/v1/balance`, 200]);
});

test('the recipe for OpenTelemetry is the example that its own test runs', () => {
  const example = readFileSync(join(import.meta.dirname, '..', 'examples', 'opentelemetry.mjs'));
  assert.ok(String(example).endsWith(`\n\n${code('### OpenTelemetry')}`));
});

test('every channel is in the table', () => {
  const named = [...readme.matchAll(/^\| `(parallel-account:[\w:]+)`/gm)].map(([, name]) => name);
  assert.equal(named.length, 7);
  const dist = readFileSync(join(import.meta.dirname, '..', 'dist', 'index.js'), 'utf8');
  const made = [...dist.matchAll(/channel\)\("(parallel-account:[\w:]+)"\)/g)].map(
    ([, name]) => name,
  );
  assert.deepEqual(made.sort(), named.sort());
});
