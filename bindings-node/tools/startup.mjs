// How long the command takes to its first byte, beside a Node that writes one and the plain
// binary, in turns: node tools/startup.mjs [ROUNDS] [FILE…]. FILE: a further program to measure.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { program } from '../test/support/program.mjs';

const [rounds = '20', ...files] = process.argv.slice(2);
const flag = '--version';
const commands = {
  'node alone': [process.execPath, '-e', "require('fs').writeSync(1, '.')"],
  'dist/command.js': [
    process.execPath,
    join(import.meta.dirname, '..', 'dist', 'command.js'),
    flag,
  ],
  'the binary': [program('parallel-account', 'parallel-account-cli'), flag],
  ...Object.fromEntries(files.map((file) => [file, [file, flag]])),
};

/** Milliseconds until there is output. */
async function firstByte([file, ...args]) {
  const began = performance.now();
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  await once(child.stdout, 'data');
  const took = performance.now() - began;
  await ended;
  return took;
}

const times = Object.fromEntries(Object.keys(commands).map((name) => [name, []]));
for (let round = 0; round < Number(rounds); round += 1) {
  for (const [name, command] of Object.entries(commands)) {
    times[name].push(await firstByte(command));
  }
}
for (const [name, all] of Object.entries(times)) {
  all.sort((a, b) => a - b);
  const at = (part) => `${all[Math.floor((all.length - 1) * part)].toFixed(1)} ms`;
  console.log(`${name}: median ${at(0.5)}, fastest ${at(0)}, slowest ${at(1)}`);
}
