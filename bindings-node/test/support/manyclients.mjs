// Runs clients.mjs under a limit of descriptors.

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startSandbox } from './sandbox.mjs';

/** What `clients.mjs` found for so many clients, with so many descriptors allowed. */
export async function manyClients(clients, limit) {
  const sandbox = await startSandbox('--interval', 0.05, '--approve-after', 0.01);
  try {
    const script = 'ulimit -n "$1"; exec "$2" --expose-gc "$3" "$4"';
    const file = join(import.meta.dirname, 'clients.mjs');
    const { stdout } = await promisify(execFile)(
      'sh',
      ['-c', script, 'sh', limit, process.execPath, file, clients].map(String),
      { env: { ...process.env, ...sandbox.env } },
    );
    return JSON.parse(stdout);
  } finally {
    await sandbox.stop();
  }
}
