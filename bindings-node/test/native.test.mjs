// ts/native.ts against the types that napi's macros write down when they build the native module.

import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';

const here = join(import.meta.dirname, '..');
const target = process.env.CARGO_TARGET_DIR ?? join(here, '..', 'target');

test('what TypeScript says of the native module is what Rust says', async (t) => {
  const { resolve } = createRequire(join(target, 'node-packaging', 'x.js'));
  const { generateTypeDef } = await import(pathToFileURL(resolve('@napi-rs/cli')).href);
  const typeDefDir = join(target, 'debug', 'napi-types');
  const { dts } = await generateTypeDef({ typeDefDir, noDtsHeader: true, cwd: here });

  const folder = mkdtempSync(join(tmpdir(), 'parallel-account-'));
  t.after(() => rmSync(folder, { recursive: true }));
  cpSync(join(here, 'ts'), join(folder, 'ts'), { recursive: true });
  symlinkSync(join(here, 'node_modules'), join(folder, 'node_modules'));
  mkdirSync(join(folder, 'test', 'types'), { recursive: true });
  cpSync(join(here, 'test', 'types', 'native.ts'), join(folder, 'test', 'types', 'native.ts'));
  writeFileSync(join(folder, 'test', 'types', 'generated.d.ts'), dts);

  const flags = ['--ignoreConfig', '--noEmit', '--strict', '--exactOptionalPropertyTypes'];
  const goal = ['--target', 'es2022', '--lib', 'es2023,esnext.disposable', '--types', 'node'];
  const args = [...flags, ...goal, '--module', 'node20', 'test/types/native.ts'];
  try {
    execFileSync(join(here, 'node_modules', '.bin', 'tsc'), args, { cwd: folder, stdio: 'pipe' });
  } catch ({ stdout }) {
    throw new Error(`ts/native.ts and the Rust code differ:\n${stdout}`);
  }
});
