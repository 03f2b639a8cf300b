// Builds the native module with cargo and puts it where ts/native.ts looks for it.
// `--release` for packages and measuring; otherwise quick to build. A folder named last is taken
// instead of native/.

import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, renameSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = dirname(dirname(fileURLToPath(import.meta.url)));
const { values, positionals } = parseArgs({
  options: { release: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const { release } = values;
const target = process.env.CARGO_TARGET_DIR ?? join(here, '..', 'target');

try {
  execFileSync(
    'cargo',
    ['build', '--quiet', '-p', 'parallel-account-node', ...(release ? ['--release'] : [])],
    { cwd: here, stdio: 'inherit', env: { ...process.env, CARGO_TARGET_DIR: target } },
  );
} catch (error) {
  const reason =
    error.code === 'ENOENT'
      ? 'There is no cargo on PATH. Install Rust 1.89 or newer.'
      : 'The native module could not be built; the message is above.';
  console.error(reason);
  process.exit(1);
}

// What rustc builds for, which need not be what this Node was linked for.
const version = execFileSync('rustc', ['--version', '--verbose'], { encoding: 'utf8' });
const musl = /^host: .*-musl/m.test(version);
const [prefix, suffix, abi] = {
  darwin: ['lib', 'dylib', ''],
  linux: ['lib', 'so', musl ? '-musl' : '-gnu'],
  win32: ['', 'dll', '-msvc'],
}[process.platform];
const built = join(
  target,
  release ? 'release' : 'debug',
  `${prefix}parallel_account_node.${suffix}`,
);
const folder = resolve(positionals[0] ?? join(here, 'native'));
const file = join(folder, `parallel-account.${process.platform}-${process.arch}${abi}.node`);
mkdirSync(folder, { recursive: true });
// Renamed into place: a process that has the old file loaded keeps it.
copyFileSync(built, `${file}.new`);
renameSync(`${file}.new`, file);
