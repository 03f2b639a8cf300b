#!/usr/bin/env node
// The command `parallel-account`. Of the package it loads the native module alone, and it leaves
// `process.stdin`, `stdout` and `stderr` alone: touched, they make terminals and pipes non-blocking.

import { writeSync } from 'node:fs';
import { load } from './loader.js';

interface Command {
  runCommand(args: string[]): number;
}

function loaded(): Command {
  try {
    return load() as Command;
  } catch (error) {
    writeSync(2, `parallel-account: ${(error as Error).message}\n`);
    process.exit(1);
  }
}

// It blocks this thread, which has nothing else to do. What NODE_OPTIONS loads must not keep the
// process alive.
process.exit(loaded().runCommand(process.argv.slice(2)));
