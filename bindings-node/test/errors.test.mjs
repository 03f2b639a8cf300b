// The classes of errors: the shared list, what they say, what an inspected one looks like.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { inspect } from 'node:util';
import * as namespace from 'parallel-account';

const account = { ...namespace };
const list = JSON.parse(
  readFileSync(join(import.meta.dirname, '..', '..', 'tests', 'errors.json'), 'utf8'),
);

describe('the shared list of errors', () => {
  for (const { code, class: name, base } of list) {
    if (code === 'cancelled') continue;
    test(`${code} is ${name}`, () => {
      assert.equal(Object.getPrototypeOf(account[name]), account[base]);
      const error = new account[name]({ code, message: 'What happened.' });
      assert.equal(error.name, name);
      assert.ok(error instanceof account.AccountError && error instanceof Error);
      assert.match(
        inspect(error),
        new RegExp(`^${name}: What happened\\.\\n[\\s\\S]*code: '${code}'`),
      );
      assert.doesNotMatch(inspect(error), /undefined/);
    });
  }

  test('no class is missing from it', () => {
    const listed = new Set(list.map((entry) => entry.class));
    const classes = Object.keys(account).filter((name) => name.endsWith('Error'));
    const abstract = new Set(['AccountError', 'ApiError']);
    assert.deepEqual(
      classes.filter((name) => !listed.has(name) && !abstract.has(name)),
      [],
    );
  });
});

test('an error as JSON, for structured logs', () => {
  const error = new account.RateLimitedError({
    code: 'rate_limited',
    message: 'Too many requests.',
    status: 429,
    retryAfter: 1500,
    retryable: true,
  });
  assert.deepEqual(JSON.parse(JSON.stringify(error)), {
    name: 'RateLimitedError',
    message: 'Too many requests.',
    code: 'rate_limited',
    status: 429,
    retryAfter: 1500,
    retryable: true,
    outcomeUnknown: false,
  });
});
