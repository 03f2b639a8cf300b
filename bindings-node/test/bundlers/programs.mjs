// Starting programs and servers for the matrix.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';

/** What a command prints; an error shows all that it said. */
export function run(command, args, cwd, env = {}) {
  const options = { cwd, encoding: 'utf8', stdio: 'pipe', timeout: 600_000 };
  try {
    return execFileSync(command, args, { ...options, env: { ...process.env, ...env } });
  } catch ({ message, stdout }) {
    throw new Error(`${message}\n${stdout}`);
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** What a server of Next answers to each path, once it listens. */
export async function answers(folder, env, ...paths) {
  const port = await freePort();
  const server = spawn(process.execPath, ['server.js'], {
    cwd: folder,
    env: { ...process.env, ...env, PORT: port, HOSTNAME: '127.0.0.1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(server, 'exit');
  let said = '';
  try {
    await new Promise((resolve, reject) => {
      const hear = (text) => {
        said += text;
        if (said.includes('Ready')) resolve();
      };
      server.stdout.on('data', hear);
      server.stderr.on('data', hear);
      ended.then(() => reject(new Error(`the server ended: ${said}`)));
    });
    const texts = [];
    for (const path of paths) {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`);
      const text = await answer.text();
      if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text.slice(0, 300)}\n${said}`);
      texts.push(text);
    }
    return texts;
  } finally {
    server.kill();
    await ended;
  }
}

/** Runs a file of the folder by this Node, or another. */
export const runNode =
  (file, env, node = process.execPath) =>
  (folder) =>
    run(node, [join(folder, file)], folder, env);
