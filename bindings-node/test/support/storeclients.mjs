// For tests of stores written in JavaScript: a sandbox, and clients of it over such stores. Importing
// this starts the sandbox for the tests of a file, and each of them finds it as new.

import { after, before, beforeEach } from 'node:test';
import { AccountClient } from 'parallel-account';
import { startSandbox } from './sandbox.mjs';

export let sandbox;
before(async () => {
  sandbox = await startSandbox('--interval', 0.05);
});
after(() => sandbox.stop());
beforeEach(() => sandbox.control('reset', {}));

export const make = (store, more) =>
  new AccountClient({
    ...sandbox.urls,
    [Symbol.for('parallel-account.time-scale')]: 20,
    store,
    ...more,
  });

export const login = (client) =>
  client.login({ openBrowser: false, onPrompt: ({ userCode }) => sandbox.approve(userCode) });

/** The tokens of a record's only login. */
export const tokensOf = (record) => Object.values(JSON.parse(record).orgs)[0].control_api;
