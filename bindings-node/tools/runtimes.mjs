// Runs what must work everywhere in each runtime that npm carries, and prints a table.
// The built package of this checkout is used: run `tools/setup` first. With `--this` only the
// runtime that runs this.

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { startSandbox } from '../test/support/sandbox.mjs';

const here = join(import.meta.dirname, '..');
const target = process.env.CARGO_TARGET_DIR ?? join(here, '..', 'target');
const platform = `${process.platform}-${process.arch}`;

/** npm's package, the program in it, and what goes before the file to run. */
const runtimes = {
  'Node 20': [`node-${platform}@20`, 'bin/node', []],
  'Node 22': [`node-${platform}@22`, 'bin/node', []],
  'Node 24': [`node-${platform}@24`, 'bin/node', []],
  Bun: [`@oven/bun-${platform}`, 'bin/bun', []],
  Deno: [`@deno/${platform}${process.platform === 'linux' ? '-glibc' : ''}`, 'deno', ['run', '-A']],
};

function install(name, spec) {
  const folder = join(target, 'runtimes', name.replace(' ', '-'));
  if (!existsSync(join(folder, 'node_modules'))) {
    mkdirSync(folder, { recursive: true });
    const flags = ['--silent', '--no-audit', '--no-fund', '--prefix', folder];
    execFileSync('npm', ['install', ...flags, spec], { stdio: 'inherit' });
  }
  return join(folder, 'node_modules', spec.replace(/(.)@.*/, '$1'));
}

const sandbox = await startSandbox('--interval', 0.05, '--approve-after', 0.05);
// One where each user approves for an organization of their own.
const manual = await startSandbox('--interval', 0.05);
const rows = [];
const chosen = process.argv.includes('--this')
  ? { 'this Node': [undefined, process.execPath, []] }
  : runtimes;
for (const [name, [spec, program, flags]] of Object.entries(chosen)) {
  const executable = spec === undefined ? program : join(install(name, spec), program);
  const [version] = /\d+\.\d+\.\d+/.exec(
    execFileSync(executable, ['--version'], { encoding: 'utf8' }),
  );
  const file = join(here, 'test', 'support', 'anywhere.mjs');
  const urls = [sandbox, manual].flatMap((each) => [
    each.platformUrl,
    each.accountUrl,
    each.controlUrl,
  ]);
  const { status, signal, stdout, stderr } = spawnSync(executable, [...flags, file, ...urls], {
    cwd: here,
    encoding: 'utf8',
    timeout: 600_000,
  });
  const lines = stdout.split('\n');
  const passed = lines.filter((line) => line.startsWith('ok ')).length;
  const failed = lines.filter((line) => line.startsWith('FAILED '));
  const ended = status === 0 || status === 1 ? 'by itself' : `no (${signal ?? status})`;
  rows.push({ runtime: name, version, passed, failed: failed.length, ended });
  if (failed.length > 0 || status !== 0) console.error(`${name}:\n${stdout}${stderr}`);
}
await Promise.all([sandbox.stop(), manual.stop()]);

console.log('| runtime | version | passed | failed | ended |\n|---|---|---|---|---|');
for (const row of rows) console.log(`| ${Object.values(row).join(' | ')} |`);
process.exitCode = rows.some((row) => row.failed > 0 || row.ended !== 'by itself') ? 1 : 0;
