// Finds the native module of this platform.

import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** How the file of this platform is named: `linux-x64-gnu`, `darwin-arm64`, … */
function platformName(): string {
  const base = `${process.platform}-${process.arch}`;
  if (process.platform === 'win32') return `${base}-msvc`;
  if (process.platform !== 'linux') return base;
  return `${base}-${runsOnMusl() ? 'musl' : 'gnu'}`;
}

/** Alpine and its kin name their loader so; asking Node's own report instead takes 30 ms. */
function runsOnMusl(): boolean {
  const arch =
    process.arch === 'x64' ? 'x86_64' : process.arch === 'arm64' ? 'aarch64' : process.arch;
  return existsSync(`/lib/ld-musl-${arch}.so.1`);
}

/** For which there are packages. */
const PLATFORMS = [
  'linux-x64-gnu',
  'linux-arm64-gnu',
  'linux-x64-musl',
  'linux-arm64-musl',
  'darwin-x64',
  'darwin-arm64',
  'win32-x64-msvc',
  'win32-arm64-msvc',
];

/**
 * The native module.
 * @throws {Error} It is not installed or cannot be loaded; the message says why and what to do.
 */
export function load(): unknown {
  const platform = platformName();
  // A checkout has its own; the published package has none.
  const file = join(__dirname, '..', 'native', `parallel-account.${platform}.node`);
  const name = `parallel-account-${platform}`;
  try {
    return require(existsSync(file) ? file : name);
  } catch (cause) {
    throw new Error(whyNot(platform, name, cause as NodeJS.ErrnoException), { cause });
  }
}

function whyNot(platform: string, name: string, cause: NodeJS.ErrnoException): string {
  if (cause.code !== 'MODULE_NOT_FOUND') {
    return `The native module of parallel-account for ${platform} cannot be loaded: ${cause.message}`;
  }
  if (!PLATFORMS.includes(platform)) {
    return (
      `There is no package ${name}: parallel-account has native modules for ` +
      `${PLATFORMS.join(', ')}. On ${platform} build it from the sources, with Rust.`
    );
  }
  return (
    `The package ${name} is not installed, which holds the native module of parallel-account for ` +
    'this platform. npm leaves it out where optional dependencies are omitted, and where ' +
    'node_modules or the lock file comes from another platform: delete both and install again, ' +
    'here and without --omit=optional. In a checkout, run "npm run build" in bindings-node.'
  );
}
