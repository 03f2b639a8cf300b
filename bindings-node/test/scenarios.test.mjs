// Plays the client's part in tests/scenarios, all of them at once; the sandbox judges.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import * as namespace from 'parallel-account';
import { startSandbox } from './support/sandbox.mjs';
import { folder, names, run } from './support/scenario.mjs';

const account = { ...namespace };

/** The class that each code must have. */
const classes = new Map(
  JSON.parse(readFileSync(join(folder, '..', 'errors.json'), 'utf8')).map((entry) => [
    entry.code,
    account[entry.class],
  ]),
);
describe('scenarios', { concurrency: 64 }, () => {
  let sandbox;
  let passed = 0;
  before(async () => {
    sandbox = await startSandbox();
  });
  after(async () => {
    await sandbox.stop();
    const failed = names.length - passed;
    console.log(`scenarios (node): ${passed} passed, ${failed} failed`);
  });

  for (const name of names) {
    test(name, async () => {
      const { problems, errors } = await run(sandbox, name);
      assert.deepEqual(problems, []);
      for (const error of errors) {
        if (!(error instanceof account.AccountError)) continue;
        assert.equal(error.constructor, classes.get(error.code));
      }
      passed += 1;
    });
  }
});
