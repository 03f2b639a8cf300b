// Runs a file of this folder under a limit of descriptors.

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startSandbox } from './sandbox.mjs';

/** What the file printed as JSON. The limit is the hard one as well, for Node raises the other. */
export async function limited(descriptors, file, ...args) {
  const sandbox = await startSandbox('--interval', 0.05, '--approve-after', 0.01);
  const script = 'ulimit -n "$1"; shift; exec "$@"';
  const program = [process.execPath, '--expose-gc', join(import.meta.dirname, file)];
  try {
    const { stdout } = await promisify(execFile)(
      'sh',
      ['-c', script, 'sh', descriptors, ...program, ...args].map(String),
      { env: { ...process.env, ...sandbox.env } },
    );
    return JSON.parse(stdout);
  } finally {
    await sandbox.stop();
  }
}
