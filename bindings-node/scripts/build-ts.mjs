// Checks the TypeScript, and writes what is published to dist/ or the folder named: the
// declarations file by file, the code of each entry as one file, because fifteen take 8 ms longer to
// load.

import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build } from 'esbuild';

const here = join(import.meta.dirname, '..');
const folder = process.argv[2] ?? join(here, 'dist');

rmSync(folder, { recursive: true, force: true });
const compiler = join(here, 'node_modules', '.bin', 'tsc');
try {
  execFileSync(compiler, ['-p', 'tsconfig.json', '--outDir', folder], {
    cwd: here,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
} catch {
  console.error('The TypeScript does not compile; the messages are above.');
  process.exit(1);
}

const common = {
  absWorkingDir: here,
  bundle: true,
  platform: 'node',
  target: 'node20',
  logLevel: 'warning',
  sourcemap: true,
  external: ['@parallel-account/*'],
};

/**
 * An ES module has no `require`: there the loader makes one, which looks from where the code runs,
 * after bundling too. Bundlers for CommonJS leave `import.meta.url` undefined; webpack writes down where
 * the file lay when it was built, but has the `require` of its bundle, which knows its folder. Written
 * as `createRequire(import.meta.url)`, Turbopack would follow it to the native file and refuse that.
 */
const loaderForBundlers = {
  name: 'loader-for-bundlers',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]ts[\\/]loader\.ts$/ }, ({ path }) => ({
      loader: 'ts',
      contents: `import { createRequire } from 'node:module';
const require = typeof __non_webpack_require__ === 'function'
  ? __non_webpack_require__ : createRequire(import.meta.url ?? __filename);
${readFileSync(path, 'utf8')}`,
    }));
  },
};

/** Writes what `require` gives, what `import` does, and what bundlers take for both. */
async function buildEntry(source, ...place) {
  const entry = { ...common, entryPoints: [source] };
  const outfile = (name) => join(folder, ...place, name);
  await build({ ...entry, format: 'cjs', outfile: outfile('index.js') });
  const { metafile } = await build({
    ...entry,
    format: 'esm',
    outfile: outfile('bundler.mjs'),
    metafile: true,
    plugins: [loaderForBundlers],
  });
  const [{ exports }] = Object.entries(metafile.outputs)
    .filter(([file]) => basename(file) === 'bundler.mjs')
    .map(([, output]) => output);
  const names = exports.sort().join(', ');
  // For `import` in Node: the same classes, by way of `require`, because a plain import has Node 20
  // and 22 look for the exports of CommonJS with a lexer in WebAssembly, which takes another 20 ms.
  writeFileSync(
    outfile('index.mjs'),
    `import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);
export const { ${names} } = require('./index.js');
`,
  );
  return names;
}

const names = await buildEntry('ts/index.ts');
writeFileSync(
  join(folder, 'browser.mjs'),
  `throw new Error(
  'parallel-account cannot run in a browser or an edge runtime, because its work is done by a native ' +
    'module. Call it on a server, in Node, Bun or Deno (in Next.js: runtime = "nodejs").',
);
export const { ${names} } = {};
`,
);
// The stores stand alone, without the native module, so that bundlers can leave out what is not
// used.
await buildEntry('ts/databases/index.ts', 'databases');

// The command needs the native module alone, which it finds from dist/ as the library does.
const command = { ...common, entryPoints: ['ts/command.ts'] };
await build({ ...command, format: 'cjs', outfile: join(folder, 'command.js') });
