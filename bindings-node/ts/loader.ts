// Finds the native module of this platform. For the file that bundlers take, scripts/build-ts.mjs
// gives this one a `require` of its own.

import { closeSync, openSync, readSync } from 'node:fs';

/** The package of each platform. Literal names, so that tools which trace files find them. */
const PACKAGES: Record<string, () => unknown> = {
  'linux-x64-gnu': () => require('@parallel-account/native-linux-x64-gnu'),
  'linux-arm64-gnu': () => require('@parallel-account/native-linux-arm64-gnu'),
  'linux-x64-musl': () => require('@parallel-account/native-linux-x64-musl'),
  'linux-arm64-musl': () => require('@parallel-account/native-linux-arm64-musl'),
  'darwin-x64': () => require('@parallel-account/native-darwin-x64'),
  'darwin-arm64': () => require('@parallel-account/native-darwin-arm64'),
  'win32-x64-msvc': () => require('@parallel-account/native-win32-x64-msvc'),
  'win32-arm64-msvc': () => require('@parallel-account/native-win32-arm64-msvc'),
};

/** How the file of this platform is named: `linux-x64-gnu`, `darwin-arm64`, … */
function platformName(): string {
  const base = `${process.platform}-${process.arch}`;
  if (process.platform === 'win32') return `${base}-msvc`;
  if (process.platform !== 'linux') return base;
  return `${base}-${runsOnMusl() ? 'musl' : 'gnu'}`;
}

/**
 * Whether this program was linked for musl: the head of its file names the loader that it needs. The
 * machine may have the loaders of both, and asking Node's own report takes 30 ms.
 */
function runsOnMusl(): boolean {
  if (process.execPath.includes('/ld-musl-')) return true;
  try {
    const file = openSync(process.execPath, 'r');
    try {
      const head = Buffer.alloc(4096);
      readSync(file, head, 0, head.length, 0);
      return head.includes('/ld-musl-');
    } finally {
      closeSync(file);
    }
  } catch {
    return false;
  }
}

/** Apart, so that bundlers do not take the files that happen to lie there. */
const fileAt = (path: string): unknown => require(path);

const isNotFound = (error: unknown) =>
  (error as NodeJS.ErrnoException | undefined)?.code === 'MODULE_NOT_FOUND';

/**
 * The native module.
 * @throws {Error} It is not installed or cannot be loaded; the message says why and what to do.
 */
export function load(): unknown {
  const platform = platformName();
  const file = `parallel-account.${platform}.node`;
  const places = [
    PACKAGES[platform],
    // Of a checkout, and of a package that was packed in one.
    () => fileAt(`../native/${file}`),
    // Beside a bundle or a single executable.
    () => fileAt(`./${file}`),
  ];
  let missing: unknown;
  for (const place of places) {
    try {
      if (place !== undefined) return place();
    } catch (cause) {
      if (!isNotFound(cause)) {
        const message = (cause as Error).message;
        throw new Error(
          `The native module of parallel-account for ${platform} cannot be loaded: ${message}`,
          { cause },
        );
      }
      missing ??= cause;
    }
  }
  throw new Error(whyNot(platform, file), { cause: missing });
}

function whyNot(platform: string, file: string): string {
  const name = `@parallel-account/native-${platform}`;
  if (!(platform in PACKAGES)) {
    return (
      `There is no package ${name}: parallel-account has native modules for ` +
      `${Object.keys(PACKAGES).join(', ')}. On ${platform} build it from the sources, with Rust.`
    );
  }
  return (
    `The package ${name} is not installed, which holds the native module of parallel-account for ` +
    'this platform. npm leaves it out where optional dependencies are omitted, and where ' +
    'node_modules or the lock file comes from another platform: delete both and install again, ' +
    'here and without --omit=optional. Beside a bundle or a single executable, put the folder ' +
    `node_modules/${name} or its file ${file}. In a checkout, run "npm run build" in bindings-node.`
  );
}
