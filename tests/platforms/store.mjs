// A login in a file, found there by another client; one in a store of this program's own; and the
// errors of a call. Run by programs.py, which names a folder.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AccountClient, ApiError, FileStore, LoginRequiredError } from 'parallel-account';

const path = join(process.argv[2], 'node', 'auth.json');
const options = { clientName: 'Node platforms', store: new FileStore(path) };

const client = new AccountClient(options);
await client.login({ openBrowser: false });
assert.ok(JSON.parse(readFileSync(path, 'utf8')).orgs, path);

const another = new AccountClient({ ...options, store: new FileStore(path) });
assert.ok((await another.status()).loggedIn);
assert.deepEqual(
  new Set(
    (await Promise.all(Array.from({ length: 8 }, () => another.balance.get()))).map(
      (it) => it.orgId,
    ),
  ).size,
  1,
);
await assert.rejects(another.apps.delete('app_missing'), ApiError);

class Cell {
  record = null;
  load() {
    return this.record;
  }
  async replace(old, record) {
    if (this.record !== old) return false;
    this.record = record;
    return true;
  }
}
const cell = new Cell();
const own = new AccountClient({ ...options, store: cell });
await own.login({ openBrowser: false });
assert.ok(cell.record);
await own.balance.get();
await own.logout();

const controller = new AbortController();
const waiting = client.login({
  openBrowser: false,
  signal: controller.signal,
  onPrompt: () => controller.abort(),
});
await assert.rejects(waiting, { name: 'AbortError' });

await another.logout();
assert.ok(!existsSync(path) || !readFileSync(path, 'utf8').includes('access_token'));
await assert.rejects(client.balance.get(), LoginRequiredError);
for (const it of [client, another, own]) it.close();
console.log('forgotten: yes');
