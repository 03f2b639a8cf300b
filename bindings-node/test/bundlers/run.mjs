// Builds a program with each tool, in an empty project with the packed release packages, moves what
// was built to another folder, deletes the project, and runs it there against the sandbox. Prints a
// table. `--short`: only what is quick to install. NAME…: only the rows whose names start so.
// `tools/setup` and `tools/release/setup` come first.

import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startSandbox } from '../support/sandbox.mjs';
import { run } from './programs.mjs';
import { long, short } from './tools.mjs';

const { values, positionals } = parseArgs({
  options: { short: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const here = import.meta.dirname;
const binding = join(here, '..', '..');
const target = process.env.CARGO_TARGET_DIR ?? join(binding, '..', 'target');

/** Installs the tools of a lock file, unless they are there. */
function installTools(name, source) {
  const folder = join(target, 'bundlers', name);
  const lock = join(source, 'package-lock.json');
  const installed = join(folder, 'node_modules', '.installed');
  if (!existsSync(installed) || readFileSync(installed, 'utf8') !== readFileSync(lock, 'utf8')) {
    mkdirSync(folder, { recursive: true });
    for (const file of ['package.json', 'package-lock.json'])
      cpSync(join(source, file), join(folder, file));
    run('npm', ['ci', '--silent', '--no-fund', '--no-audit', '--prefix', folder], folder);
    cpSync(lock, installed);
  }
  return join(folder, 'node_modules');
}

/** An empty project, of which the others are copies, with the packages installed. */
function installPackages() {
  run('node', ['tools/release/package.mjs'], binding);
  const project = mkdtempSync(join(tmpdir(), 'parallel-account-bundlers-'));
  const tarballs = join(target, 'npm', 'tarballs');
  const packages = readdirSync(tarballs).map((name) => join(tarballs, name));
  writeFileSync(join(project, 'package.json'), '{ "private": true }');
  run('npm', ['install', '--offline', '--no-audit', '--no-fund', ...packages], project);
  cpSync(join(here, 'programs'), project, { recursive: true });
  return project;
}

const sandbox = await startSandbox('--interval', 0.05, '--approve-after', 0.05);
const original = installPackages();
const [native] = readdirSync(join(target, 'npm', 'npm'));
const rows = [];
const tools = { short: installTools('short', here) };
if (!values.short) tools.long = installTools('long', join(here, 'long'));

for (const [name, { version, build }] of Object.entries({
  ...short,
  ...(values.short ? {} : long),
})) {
  if (positionals.length > 0 && !positionals.some((wanted) => name.startsWith(wanted))) continue;
  const project = mkdtempSync(join(tmpdir(), 'parallel-account-built-'));
  const elsewhere = mkdtempSync(join(tmpdir(), 'parallel-account-moved-'));
  let result = 'passed';
  let said;
  try {
    cpSync(original, project, { recursive: true });
    const built = await build({ project, elsewhere, tools, native, env: sandbox.env });
    rmSync(project, { recursive: true });
    said = await built(elsewhere);
    if (said.trim().split('\n').at(-1) !== '[true,true,5000]') throw new Error(`it says: ${said}`);
  } catch (error) {
    result = 'FAILED';
    console.error(`${name}: ${error.message}`);
  } finally {
    for (const folder of [project, elsewhere]) rmSync(folder, { recursive: true, force: true });
  }
  rows.push([name, version(tools), result]);
}
rmSync(original, { recursive: true });
await sandbox.stop();

console.log('| tool | version | result |\n|---|---|---|');
for (const row of rows) console.log(`| ${row.join(' | ')} |`);
process.exitCode = rows.every(([, , result]) => result === 'passed') ? 0 : 1;
