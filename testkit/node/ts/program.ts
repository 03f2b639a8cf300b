// Finds the program of this platform.

import { existsSync } from 'node:fs';

/** The sandbox could not be started, has ended, or refused what it was asked. */
export class SandboxError extends Error {
  override readonly name = 'SandboxError';
}

/** The package of each platform. Literal names, so that tools which trace files find them. */
const PROGRAMS: Record<string, () => string> = {
  'linux-x64': () =>
    require.resolve('@parallel-account/sandbox-linux-x64/parallel-account-sandbox'),
  'linux-arm64': () =>
    require.resolve('@parallel-account/sandbox-linux-arm64/parallel-account-sandbox'),
  'darwin-x64': () =>
    require.resolve('@parallel-account/sandbox-darwin-x64/parallel-account-sandbox'),
  'darwin-arm64': () =>
    require.resolve('@parallel-account/sandbox-darwin-arm64/parallel-account-sandbox'),
  'win32-x64': () =>
    require.resolve('@parallel-account/sandbox-win32-x64/parallel-account-sandbox.exe'),
  'win32-arm64': () =>
    require.resolve('@parallel-account/sandbox-win32-arm64/parallel-account-sandbox.exe'),
};

const VARIABLE = 'PARALLEL_ACCOUNT_SANDBOX';
const BY_HAND = `install it with \`cargo install --path tests/sandbox\` in a checkout, and name it in ${VARIABLE}`;

/**
 * Where the program is: the variable `PARALLEL_ACCOUNT_SANDBOX`, else in the package of this platform.
 * @throws {SandboxError} It is not there.
 */
export function sandboxProgram(): string {
  const given = process.env[VARIABLE];
  if (given) {
    if (existsSync(given)) return given;
    throw new SandboxError(
      `${VARIABLE} names ${given}, which does not exist. Name the program, or unset it.`,
    );
  }
  const platform = `${process.platform}-${process.arch}`;
  const find = PROGRAMS[platform];
  if (find === undefined) {
    throw new SandboxError(
      `parallel-account-sandbox has no program for ${platform}, only for ` +
        `${Object.keys(PROGRAMS).join(', ')}. With Rust, ${BY_HAND}.`,
    );
  }
  try {
    return find();
  } catch (cause) {
    throw new SandboxError(
      `The package @parallel-account/sandbox-${platform} is not installed, which has the program ` +
        'parallel-account-sandbox for this platform. npm leaves it out where optional dependencies ' +
        'are omitted, and where node_modules or the lock file comes from another platform: delete ' +
        `both and install again, here and without --omit=optional. Or, with Rust, ${BY_HAND}.`,
      { cause },
    );
  }
}
