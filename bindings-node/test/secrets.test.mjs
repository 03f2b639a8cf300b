// Secrets show nowhere.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { inspect } from 'node:util';
import { Secret } from 'parallel-account';

/** The canaries of the program, and what the scenarios call their secrets. */
const SECRET = /canary-(access|refresh|device|raw|panic)|-secret-/;

describe('canaries through success and every error', () => {
  const levels = { quiet: {}, 'most verbose': { RUST_LOG: 'trace', NODE_DEBUG: '*' } };
  for (const [level, variables] of Object.entries(levels)) {
    test(level, { timeout: 120_000 }, async () => {
      const program = spawn(
        process.execPath,
        ['--trace-warnings', join(import.meta.dirname, 'support', 'secrets.mjs')],
        { env: { ...process.env, ...variables }, stdio: ['ignore', 'pipe', 'pipe'] },
      );
      const [stdout, stderr] = await Promise.all([text(program.stdout), text(program.stderr)]);
      const values = /(\d+) values\n$/.exec(stdout)?.[1];
      assert.ok(Number(values) > 50, stderr.slice(-4000));
      for (const line of `${stdout}\n${stderr}`.split('\n')) assert.doesNotMatch(line, SECRET);
      // The panic did happen, and said where alone.
      assert.match(stderr, /parallel-account: a bug at \S+:\d+:\d+; please report it/);
      if (variables.NODE_DEBUG) assert.match(stderr, /^(NET|HTTP|STREAM|MODULE) \d+/m);
    });
  }
});

test('a Secret', () => {
  const secret = new Secret('canary-access');
  assert.equal(secret.expose(), 'canary-access');
  assert.equal(`${secret}`, '[secret]');
  assert.equal(JSON.stringify({ secret }), '{"secret":"[secret]"}');
  assert.doesNotMatch(inspect({ secret }, { showHidden: true, customInspect: false }), SECRET);
});

test('a Secret cannot be cloned, and says what to do', () => {
  const tokens = { nested: [new Secret('canary-access')] };
  const { port1, port2 } = new MessageChannel();
  for (const clone of [() => structuredClone(tokens), () => port1.postMessage(tokens)]) {
    assert.throws(clone, (error) => {
      assert.equal(error.name, 'DataCloneError');
      assert.match(error.message, /secretsCannotBeClonedSendExposeInstead/);
      assert.doesNotMatch(error.message, SECRET);
      return true;
    });
  }
  port2.close();
  assert.deepEqual(new Secret('a'), new Secret('a'));
  assert.doesNotMatch(inspect({ ...tokens.nested[0] }), SECRET);
});
