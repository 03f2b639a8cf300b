// ts/native.ts against the types that napi derives from the Rust code.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';

const here = join(import.meta.dirname, '..');
const target = process.env.CARGO_TARGET_DIR ?? join(here, '..', 'target');
let folder;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'parallel-account-'));
  const types = join(folder, 'types');
  mkdirSync(types);
  // Its macros write there whatever they expand; another folder each time has them do so again.
  execFileSync('cargo', ['check', '--quiet', '-p', 'parallel-account-node'], {
    cwd: here,
    env: { ...process.env, CARGO_TARGET_DIR: target, NAPI_TYPE_DEF_TMP_FOLDER: types },
  });
  const cli = join(target, 'node-packaging', 'node_modules', '@napi-rs', 'cli', 'dist', 'index.js');
  const { generateTypeDef } = await import(pathToFileURL(cli));
  const { dts } = await generateTypeDef({ typeDefDir: types, cwd: here });
  cpSync(join(here, 'ts'), join(folder, 'ts'), { recursive: true });
  cpSync(join(here, 'test', 'native'), join(folder, 'test', 'native'), { recursive: true });
  symlinkSync(join(here, 'node_modules'), join(folder, 'node_modules'), 'junction');
  writeFileSync(join(folder, 'test', 'native', 'generated.d.ts'), dts);
});
after(() => rmSync(folder, { recursive: true, force: true }));

test('it says what Rust does', () => {
  const tsc = join(here, 'node_modules', 'typescript', 'bin', 'tsc');
  const strict = ['--strict', '--exactOptionalPropertyTypes', '--skipLibCheck', '--noEmit'];
  const goal = ['--module', 'nodenext', '--target', 'es2022', '--lib', 'es2023,esnext.disposable'];
  const args = ['--ignoreConfig', ...strict, ...goal, '--types', 'node', 'test/native/compare.ts'];
  try {
    execFileSync(process.execPath, [tsc, ...args], { cwd: folder, encoding: 'utf8' });
  } catch ({ stdout }) {
    assert.fail(stdout);
  }
});

test('nothing of it is left out', () => {
  const native = readFileSync(join(here, 'ts', 'native.ts'), 'utf8');
  const compared = readFileSync(join(here, 'test', 'native', 'compare.ts'), 'utf8');
  const names = [...native.matchAll(/^export (?:interface|type) (\w+)/gm)].map(([, name]) => name);
  assert.ok(names.length > 15, names.join());
  for (const name of names) assert.match(compared, new RegExp(`ours\\.${name}\\b`));
});
