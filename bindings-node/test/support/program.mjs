// The programs of this workspace that tests run, as cargo builds them.

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..', '..');

/** The binary of that name, built if there is none yet: `tools/test` builds what is old. */
export function program(name, crate = name) {
  const target = process.env.CARGO_TARGET_DIR ?? join(root, 'target');
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const file = join(target, 'debug', `${name}${suffix}`);
  if (!existsSync(file)) {
    execFileSync('cargo', ['build', '--quiet', '-p', crate], { cwd: root, stdio: 'inherit' });
  }
  return file;
}
