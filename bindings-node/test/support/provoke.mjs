// Provokes every error of tests/errors.json against a sandbox.

import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { AccountClient, FileStore, MemoryStore } from 'parallel-account';
import * as report from './report.mjs';
import { folder, run } from './scenario.mjs';

/** The entries of the shared list: `code`, `class`, `base`, `scenario`, … */
export const list = JSON.parse(readFileSync(join(folder, '..', 'errors.json'), 'utf8'));

/** The native module that the package has loaded. */
const folderOfNative = join(import.meta.dirname, '..', '..', 'native');
const [file] = readdirSync(folderOfNative).filter((name) => name.endsWith('.node'));
export const native = createRequire(import.meta.url)(join(folderOfNative, file));

/** Does `work` while `name` of `object` is another function. */
function instead(object, name, other, work) {
  const before = object[name];
  object[name] = other;
  try {
    return work();
  } finally {
    object[name] = before;
  }
}

/** A panic in a call: a debug build has a function for it. */
export function panic(message) {
  const client = new AccountClient({ store: new MemoryStore() });
  const panicking = function (call) {
    this.panicForTests(call, message);
  };
  return instead(native.NativeClient.prototype, 'organizations', panicking, () =>
    client.organizations(),
  );
}

/** A value that does not become a JavaScript one: a debug build has a function for it. */
export function nonsense() {
  const client = new AccountClient({ store: new MemoryStore() });
  const converting = function (call) {
    this.nonsenseForTests(call);
  };
  return instead(native.NativeClient.prototype, 'organizations', converting, () =>
    client.organizations(),
  );
}

/** A panic in what is answered at once. */
export function panicAtOnce(message) {
  const panicking = () => native.panicForTests(message);
  return instead(native, 'openCliStore', panicking, () => FileStore.parallelCli());
}

/** The error with this code, as the scenario that the list names for it brings it about. */
export async function provoke(sandbox, { code, scenario }) {
  if (scenario === null) return await panic('not to be seen').catch((error) => error);
  const { errors } = await run(sandbox, scenario);
  return errors.find((error) => report.error(error).code === code);
}
