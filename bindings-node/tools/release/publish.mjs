// Publishes the packages that tools/release/package.mjs made, the platforms' before the one that asks for
// them. What is published already is left out, so a release that broke off half-way can be run again.
//
//   node tools/release/publish.mjs [--dry-run] [--provenance] [FOLDER]    FOLDER: instead of target/npm

import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values: options, positionals } = parseArgs({
  options: {
    'dry-run': { type: 'boolean', default: false },
    provenance: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});
const target =
  process.env.CARGO_TARGET_DIR ?? join(import.meta.dirname, '..', '..', '..', 'target');
const folder = positionals[0] ?? join(target, 'npm');

/** Whether the registry has this version. */
function isPublished(id) {
  const { status, stdout, stderr } = spawnSync('npm', ['view', id, 'version', '--json'], {
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  if (status === 0) return stdout.trim() !== '';
  if (stdout.includes('E404') || stderr.includes('E404')) return false;
  console.error(`${stderr}It is unknown whether ${id} is published. Run this again.`);
  process.exit(1);
}

const flags = ['--access', 'public', '--loglevel', 'error'];
if (options.provenance) flags.push('--provenance');
if (options['dry-run']) flags.push('--dry-run');
for (const { id, filename } of JSON.parse(readFileSync(join(folder, 'tarballs.json'), 'utf8'))) {
  if (isPublished(id)) {
    console.log(`${id} is published already`);
    continue;
  }
  const args = ['publish', ...flags, join(folder, 'tarballs', filename)];
  try {
    execFileSync('npm', args, { stdio: ['inherit', 'ignore', 'inherit'] });
  } catch {
    console.error(`${id} could not be published; the message is above. Run this again.`);
    process.exit(1);
  }
  console.log(`${id} ${options['dry-run'] ? 'would be published' : 'is published'}`);
}
