// Runs snippets of the README as the modules that they are.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { format } from 'node:util';
import { transform } from 'esbuild';

/** In the package, so that its own name is found; removed when the process ends. */
const folder = mkdtempSync(join(import.meta.dirname, '..', 'readme-'));
process.once('exit', () => rmSync(folder, { recursive: true }));
let number = 0;

/** Writes it to a file of its own, with `await using` compiled for a Node that has none. */
export async function written(code) {
  const file = join(folder, `${number++}.mjs`);
  const compiled = code.includes('await using')
    ? (await transform(code, { format: 'esm', target: 'node20' })).code
    : code;
  writeFileSync(file, compiled);
  return file;
}

/** The names that it declares for all of its module. */
function declared(code) {
  const names = [];
  for (const [, name, several] of code.matchAll(
    /^(?:export )?(?:const|let|class|function|async function) (?:(\w+)|\{ (.*?) \} =)/gm,
  )) {
    names.push(...(name === undefined ? several.split(', ') : [name]));
  }
  return names;
}

/**
 * Imports it with these global variables; answers its own, and what it wrote to the console line by
 * line.
 */
export async function runSnippet(code, variables) {
  const lines = [];
  const write = (...words) => lines.push(format(...words));
  const real = { log: console.log, debug: console.debug };
  const before = Object.keys(variables).map((name) => [name, globalThis[name]]);
  Object.assign(globalThis, variables, { exported: undefined });
  Object.assign(console, { log: write, debug: write });
  try {
    const names = declared(code);
    const file = await written(`${code}\nglobalThis.exported = { ${names.join(', ')} };`);
    await import(pathToFileURL(file).href);
    return { lines, names: globalThis.exported };
  } finally {
    Object.assign(console, real);
    Object.assign(globalThis, Object.fromEntries(before));
  }
}

/** The comments beside `console.log`. */
export function expectedLines(code) {
  return [...code.matchAll(/^.*console\.log\(.*\); \/\/ (.*)$/gm)].map(([, said]) => said);
}
