// The types as a user's compiler sees them, in every way of resolving modules.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';

const here = join(import.meta.dirname, '..');
const tsc = join(here, 'node_modules', '.bin', 'tsc');

const ways = {
  node16: ['--module', 'node16'],
  nodenext: ['--module', 'nodenext'],
  bundler: ['--module', 'esnext', '--moduleResolution', 'bundler'],
};

describe('types', () => {
  for (const [name, flags] of Object.entries(ways)) {
    for (const file of ['usage.mts', 'usage.cts']) {
      if (name === 'bundler' && file.endsWith('.cts')) continue;
      test(`${name}, ${file}`, () => {
        const strict = ['--noEmit', '--strict', '--exactOptionalPropertyTypes'];
        const target = ['--target', 'es2022', '--lib', 'es2023,esnext.disposable'];
        const args = ['--ignoreConfig', ...strict, ...target, '--types', 'node', ...flags];
        try {
          execFileSync(tsc, [...args, join('test', 'types', file)], { cwd: here });
        } catch (error) {
          throw new Error(String(error.stdout));
        }
      });
    }
  }
});
