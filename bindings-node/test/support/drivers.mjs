// Drivers that not every machine or runtime has.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..', '..');
const target = process.env.CARGO_TARGET_DIR ?? join(root, 'target');
const BETTER_SQLITE = 'better-sqlite3@12.11.1';

/**
 * The class of better-sqlite3. Installed apart, once: it is compiled where GitHub cannot be reached.
 * Undefined where that is not possible either.
 */
export function betterSqlite() {
  const folder = join(target, 'node-drivers');
  const module = join(folder, 'node_modules', 'better-sqlite3');
  try {
    if (!existsSync(module)) {
      mkdirSync(folder, { recursive: true });
      const flags = ['--silent', '--no-audit', '--no-fund', '--prefix', folder];
      execFileSync('npm', ['install', ...flags, BETTER_SQLITE], { stdio: 'inherit' });
    }
    return createRequire(import.meta.url)(module);
  } catch (error) {
    console.error(`better-sqlite3: ${error.message}`);
    return undefined;
  }
}

/** `DatabaseSync`, undefined where the runtime has none. */
export async function nodeSqlite() {
  try {
    return (await import('node:sqlite')).DatabaseSync;
  } catch {
    return undefined;
  }
}
