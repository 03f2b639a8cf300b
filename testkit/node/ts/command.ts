#!/usr/bin/env node
// `npx parallel-account-sandbox`: the program, with this command's arguments.

import { spawn } from 'node:child_process';
import { SandboxError, sandboxProgram } from './program.js';

function main(): void {
  const child = spawn(sandboxProgram(), ['--until-stdin-closes', ...process.argv.slice(2)], {
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  // Ctrl-C reaches the program by itself.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.on('error', fail);
  child.on('close', (code) => {
    process.exitCode = code ?? 1;
  });
}

function fail(error: Error): void {
  console.error(`parallel-account-sandbox: ${error.message}`);
  process.exitCode = 1;
}

try {
  main();
} catch (error) {
  if (!(error instanceof SandboxError)) throw error;
  fail(error);
}
