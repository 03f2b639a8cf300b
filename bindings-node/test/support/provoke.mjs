// Provokes every error of tests/errors.json against a sandbox.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { call } from '../../dist/bridge.js';
import { native } from '../../dist/native.js';
import * as report from './report.mjs';
import { folder, run } from './scenario.mjs';

/** The entries of the shared list: `code`, `class`, `base`, `scenario`, … */
export const list = JSON.parse(readFileSync(join(folder, '..', 'errors.json'), 'utf8'));

/** A panic in a call: debug builds have a function for it. */
export async function panic(message) {
  await call(undefined, (number, bridge) => native.panicForTests(bridge, number, message));
}

/** The error with this code, as the scenario that the list names for it brings it about. */
export async function provoke(sandbox, { code, scenario }) {
  if (scenario === null) return await panic('not to be seen').catch((error) => error);
  const { errors } = await run(sandbox, scenario);
  return errors.find((error) => report.error(error).code === code);
}
