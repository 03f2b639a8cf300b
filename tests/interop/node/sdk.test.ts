// Parallel's SDK for TypeScript with the keys that this library makes.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { AccountClient, MemoryStore } from 'parallel-account';
import Parallel, { AuthenticationError } from 'parallel-web';

// The recipe of docs/parallel-sdks.md, as run.sh cut it out.
import { RenewingParallel } from './recipe.js';

const QUERY = 'longest river';
const search = (parallel: Parallel) => parallel.search({ search_queries: [QUERY] });

/** A sandbox and a client that is logged in to it. */
async function setUp(t: TestContext) {
  const sandbox = spawn(process.env['PARALLEL_ACCOUNT_SANDBOX']!, ['--interval', '1'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(async () => {
    sandbox.kill('SIGTERM');
    await once(sandbox, 'exit');
  });
  const [line] = await once(createInterface(sandbox.stdout), 'line');
  const said = JSON.parse(line) as Record<string, string>;
  // Where the SDK looks for the data API; no key of the machine's owner gets in.
  process.env['PARALLEL_BASE_URL'] = said['data_url'];
  delete process.env['PARALLEL_API_KEY'];
  const control = async (route: string, body?: object): Promise<any> => {
    const sent = body && { method: 'POST', body: JSON.stringify(body) };
    return (await fetch(`${said['control_url']}/${route}`, sent)).json();
  };
  const client = new AccountClient({
    clientName: 'Interop',
    platformUrl: said['platform_url']!,
    accountUrl: said['account_url']!,
    store: new MemoryStore(),
  });
  t.after(() => client.close());
  await client.login({ openBrowser: false, onPrompt: () => control('approve', {}) });
  return { client, control };
}

test('a search and a task run', async (t) => {
  const { client, control } = await setUp(t);
  const apiKey = (await client.apiKey()).expose();
  const parallel = new Parallel({ apiKey });
  assert.equal((await search(parallel)).results[0]?.title, QUERY);
  const run = await parallel.taskRun.create({ input: 'Which river?', processor: 'lite' });
  assert.equal(run.status, 'queued');
  const { run: done, output } = await parallel.taskRun.result(run.run_id);
  assert.equal(done.status, 'completed');
  assert.match(String(output.content), /Which river\?/);
  assert.equal((await parallel.taskRun.retrieve(run.run_id)).status, 'completed');
  assert.equal((await control('keys')).made, 1);
});

test('a key that was deleted is renewed once', async (t) => {
  const { client, control } = await setUp(t);
  const renewing = await RenewingParallel.open(client);
  assert.deepEqual(await control('delete-key', {}), { deleted: 1 });
  const found = await Promise.all(Array.from({ length: 8 }, () => renewing.call(search)));
  assert.deepEqual(
    found.map(({ results }) => results[0]?.title),
    Array(8).fill(QUERY),
  );
  await renewing.call(search);
  assert.equal((await control('keys')).made, 2);
});

test('a second 401 is raised', async (t) => {
  const { client, control } = await setUp(t);
  const renewing = await RenewingParallel.open(client);
  const error = { ref_id: 'r', message: 'refused', detail: null };
  await control('faults', {
    route: 'search',
    status: 401,
    times: 2,
    headers: { 'content-type': 'application/json' },
    body: { type: 'error', error },
  });
  await assert.rejects(renewing.call(search), (raised) => {
    assert.ok(raised instanceof AuthenticationError);
    assert.match(raised.message, /refused/);
    return true;
  });
  assert.equal((await control('counts')).routes.search, 2);
  // The key that was refused at first is gone.
  const keys = await control('keys');
  assert.deepEqual([keys.made, keys.keys.length], [2, 1]);
});
