// The package as someone installs it: packed, in an empty project, by import and by require.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

const here = join(import.meta.dirname, '..');
let project;

const run = (command, args, cwd) =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

before(() => {
  project = mkdtempSync(join(tmpdir(), 'parallel-account-'));
  const pack = run(
    'npm',
    ['pack', '--ignore-scripts', '--json', '--pack-destination', project],
    here,
  );
  const [{ filename }] = Object.values(JSON.parse(pack));
  writeFileSync(join(project, 'package.json'), '{ "private": true }');
  run('npm', ['install', '--offline', '--no-audit', '--no-fund', join(project, filename)], project);
});
after(() => rmSync(project, { recursive: true, force: true }));

describe('the packed package in an empty project', () => {
  test('import and require give the same classes', () => {
    writeFileSync(
      join(project, 'both.mjs'),
      `import * as esm from 'parallel-account';
       import { createRequire } from 'node:module';
       const cjs = createRequire(import.meta.url)('parallel-account');
       for (const name of Object.keys(cjs)) {
         if (esm[name] !== cjs[name]) throw new Error(name + ' differs');
       }
       const store = new cjs.MemoryStore();
       const error = await new esm.AccountClient({ store }).balance.get().catch((error) => error);
       console.log(Object.keys(cjs).length, error instanceof cjs.LoginRequiredError,
         error instanceof esm.AccountError, error.code);`,
    );
    const [count, ...rest] = run('node', ['both.mjs'], project).trim().split(' ');
    assert.ok(Number(count) > 25);
    assert.deepEqual(rest, ['true', 'true', 'login_required']);
  });

  test('importing starts nothing', () => {
    const code = `require('parallel-account');
      console.log(process.getActiveResourcesInfo().length,
        require('fs').readdirSync('/proc/self/task').length)`;
    const without = run('node', ['-e', code.replace(/^.*\n/, '')], project);
    assert.equal(run('node', ['-e', code], project), without);
  });

  test('only what is needed is in it', () => {
    const { name, type } = JSON.parse(
      readFileSync(join(project, 'node_modules/parallel-account/package.json'), 'utf8'),
    );
    assert.deepEqual([name, type], ['parallel-account', 'commonjs']);
    const files = run('find', ['-type', 'f'], join(project, 'node_modules/parallel-account'));
    for (const file of files.trim().split('\n')) {
      assert.match(
        file,
        /^\.\/(dist\/.*\.(js|mjs|d\.ts|d\.mts)|native\/.*\.node|package\.json|README\.md|LICENSE)$/,
      );
    }
  });

  test('a platform without its file says which package is missing', () => {
    const code = `Object.defineProperty(process, 'arch', { value: 'riscv64' });
      try { require('parallel-account') } catch (error) { console.log(error.message) }`;
    assert.match(
      run('node', ['-e', code], project),
      /no native module for linux-riscv64-gnu: the package parallel-account-linux-riscv64-gnu/,
    );
  });
});
