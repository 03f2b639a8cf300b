// Real database engines, each a child process on a port of its own.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Starts `redis`, `redis-cluster` or `postgres`; `end()` it in the end. */
export async function startEngine(name) {
  const child = spawn('python3', [join(import.meta.dirname, 'engine.py'), name], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${name} ended`);
    return value;
  };
  const tell = async (what) => {
    child.stdin.write(`${what}\n`);
    await next();
  };
  return {
    url: await next(),
    stop: () => tell('stop'),
    kill: () => tell('kill'),
    start: () => tell('start'),
    async end() {
      const ended = once(child, 'exit');
      child.stdin.end();
      await ended;
    },
  };
}
