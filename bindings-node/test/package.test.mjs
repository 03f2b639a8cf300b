// The packages as someone installs them: packed, in an empty project, by import, by require and by
// TypeScript. `tools/release/setup` comes first.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, describe, test } from 'node:test';

const here = join(import.meta.dirname, '..');
const target = process.env.CARGO_TARGET_DIR ?? join(here, '..', 'target');
const tarballs = join(target, 'npm', 'tarballs');
const [platform] = readdirSync(join(here, 'native')).map((name) => name.split('.')[1]);
const nativePackage = `@parallel-account/native-${platform}`;
let project;

function run(command, args, cwd) {
  try {
    return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: 'pipe' });
  } catch ({ message, stdout }) {
    throw new Error(`${message}\n${stdout}`);
  }
}

const manifestOf = (name) =>
  JSON.parse(readFileSync(join(project, 'node_modules', name, 'package.json'), 'utf8'));
const filesOf = (name) =>
  run('find', ['-type', 'f'], join(project, 'node_modules', name))
    .trim()
    .split('\n');

before(() => {
  // Ends with a dry run of publishing each.
  run('node', ['tools/release/package.mjs'], here);
  project = mkdtempSync(join(tmpdir(), 'parallel-account-'));
  writeFileSync(join(project, 'package.json'), '{ "private": true }');
  const packages = readdirSync(tarballs).map((name) => join(tarballs, name));
  run('npm', ['install', '--offline', '--no-audit', '--no-fund', ...packages], project);
});
after(() => rmSync(project, { recursive: true, force: true }));

describe('the packed package in an empty project', () => {
  test('import and require give the same classes', () => {
    writeFileSync(
      join(project, 'both.mjs'),
      `import * as esm from 'parallel-account';
       import { createRequire } from 'node:module';
       const cjs = createRequire(import.meta.url)('parallel-account');
       for (const name of Object.keys(cjs)) {
         if (esm[name] !== cjs[name]) throw new Error(name + ' differs');
       }
       const store = new cjs.MemoryStore();
       const error = await new esm.AccountClient({ store }).balance.get().catch((error) => error);
       console.log(Object.keys(cjs).length, error instanceof cjs.LoginRequiredError,
         error instanceof esm.AccountError, error.code);`,
    );
    const [count, ...rest] = run('node', ['both.mjs'], project).trim().split(' ');
    assert.ok(Number(count) > 25);
    assert.deepEqual(rest, ['true', 'true', 'login_required']);
  });

  test('has the command, by npx and by its name', () => {
    const { version } = manifestOf('parallel-account');
    const said = `parallel-account ${version}\n`;
    assert.equal(run('npx', ['--no-install', 'parallel-account', '--version'], project), said);
    const bin = join(project, 'node_modules', '.bin', 'parallel-account');
    assert.equal(run(bin, ['--version'], project), said);
  });

  test('the command loads the native module alone', () => {
    const code = `
      process.argv = ['node', 'parallel-account', '--version'];
      process.on('exit', () => console.error(Object.keys(require.cache).join(' ')));
      require('./node_modules/.bin/parallel-account');`;
    const { stderr } = spawnSync('node', ['-e', code], { cwd: project, encoding: 'utf8' });
    const names = stderr
      .trim()
      .split(' ')
      .map((file) => basename(file));
    assert.deepEqual(names, ['command.js', `parallel-account.${platform}.node`]);
  });

  test('a bundler takes the stores that are used, and no driver', async () => {
    const { build } = await import('esbuild');
    const { outputFiles } = await build({
      stdin: {
        contents: "export { RedisStore } from 'parallel-account/stores';",
        resolveDir: project,
      },
      bundle: true,
      format: 'esm',
      platform: 'node',
      write: false,
    });
    const [{ text }] = outputFiles;
    assert.match(text, /class RedisStore|RedisStore = class/);
    assert.doesNotMatch(text, /SqliteStore|PostgresStore|CREATE TABLE|native/);
    const imports = [...text.matchAll(/from "(.*?)"/g)].map(([, name]) => name);
    assert.deepEqual(imports, ['node:crypto']);
  });

  test('a stack names the sources, with source maps', () => {
    const code = `require('parallel-account').AccountClient.prototype.status.call({})
      .catch(({ stack }) => console.log(stack))`;
    const said = run('node', ['--enable-source-maps', '-e', code], project);
    assert.match(said, /ts[\\/]client\.ts:\d+/);
  });

  test('options may be undefined', () => {
    const code = `
      const { AccountClient, MemoryStore } = require('parallel-account');
      const names = ['clientName', 'clientId', 'scopes', 'platformUrl', 'accountUrl', 'timeout',
        'deadline', 'maxRetries', 'org', 'userAgent', 'proxy', 'caBundle', 'firstPollAtOnce',
        'lockTimeout', 'storeTimeout'];
      const absent = Object.fromEntries(names.map((name) => [name, undefined]));
      const client = new AccountClient({ ...absent, store: new MemoryStore() });
      client.status({ timeout: undefined, deadline: undefined, maxRetries: undefined,
        signal: undefined }).then(({ loggedIn }) => console.log(loggedIn));`;
    assert.equal(run('node', ['-e', code], project).trim(), 'false');
  });

  test('a browser is told that it cannot run this', async () => {
    const { build } = await import('esbuild');
    const contents = "import { AccountClient } from 'parallel-account'; new AccountClient();";
    const { outputFiles } = await build({
      stdin: { contents, resolveDir: project },
      bundle: true,
      platform: 'browser',
      format: 'esm',
      write: false,
    });
    writeFileSync(join(project, 'browser.mjs'), outputFiles[0].text);
    for (const args of [
      ['browser.mjs'],
      ...['browser', 'edge-light', 'workerd'].map((condition) => [
        '--conditions',
        condition,
        '--input-type=module',
        '-e',
        contents,
      ]),
    ]) {
      const { status, stderr } = spawnSync('node', args, { cwd: project, encoding: 'utf8' });
      assert.equal(status, 1);
      assert.match(
        stderr,
        /Error: parallel-account cannot run in a browser or an edge runtime, because/,
      );
    }
  });

  test('importing starts nothing', () => {
    const code = `require('parallel-account');
      console.log(process.getActiveResourcesInfo().length,
        require('fs').readdirSync('/proc/self/task').length)`;
    const without = run('node', ['-e', code.replace(/^.*\n/, '')], project);
    assert.equal(run('node', ['-e', code], project), without);
  });

  test('only what is needed is in them, and nothing runs at their installation', () => {
    const main = manifestOf('parallel-account');
    assert.deepEqual(main.optionalDependencies, { [nativePackage]: main.version });
    for (const file of filesOf('parallel-account')) {
      assert.match(
        file,
        /^\.\/(dist\/.*\.(js|mjs|js\.map|mjs\.map|d\.ts|d\.mts)|package\.json|README\.md|LICENSE)$/,
      );
    }
    const native = manifestOf(nativePackage);
    assert.deepEqual([native.version, native.os], [main.version, [process.platform]]);
    assert.deepEqual(filesOf(nativePackage).sort(), [
      './LICENSE',
      './README.md',
      './package.json',
      `./parallel-account.${platform}.node`,
      './sbom.cdx.json',
      './third-party.txt',
    ]);
    for (const manifest of [main, native]) {
      assert.deepEqual([manifest.scripts, manifest.dependencies], [undefined, undefined]);
    }
  });

  test('what is linked into the native file is named, with its license', () => {
    const folder = join(project, 'node_modules', nativePackage);
    const { components } = JSON.parse(readFileSync(join(folder, 'sbom.cdx.json'), 'utf8'));
    const text = readFileSync(join(folder, 'third-party.txt'), 'utf8');
    assert.ok(components.length > 50);
    for (const { name, version, purl, licenses } of components) {
      assert.equal(purl, `pkg:cargo/${name}@${version}`);
      assert.match(licenses[0].expression, /^\S/);
      assert.ok(name.startsWith('parallel-account') || text.includes(`\n${name} ${version}, `));
    }
    const names = components.map(({ name }) => name);
    for (const name of ['parallel-account', 'napi', 'tokio', 'rustls', 'ring']) {
      assert.ok(names.includes(name), name);
    }
    // Neither what compiles nor what tests is linked.
    for (const name of ['napi-build', 'napi-derive', 'serde_derive', 'axum', 'cc']) {
      assert.ok(!names.includes(name), name);
    }
  });
});

describe('a native module that is not there', () => {
  const said = (pretend, folder = project) => {
    const code = `${pretend}; try { require('parallel-account') } catch (error) {
      console.log(error.message, error.cause?.code) }`;
    return run('node', ['-e', code], folder);
  };

  test('for this platform says which package is missing and why', () => {
    const other = process.arch === 'x64' ? 'arm64' : 'x64';
    assert.match(
      said(`Object.defineProperty(process, 'arch', { value: '${other}' })`),
      new RegExp(
        `The package @parallel-account/native-linux-${other}-gnu is not installed.* omitted, and where .* ` +
          'another platform: delete both and install again',
      ),
    );
  });

  test('is sought for the C library that this program has, whatever the machine has', () => {
    const file = join(project, 'program-for-musl');
    writeFileSync(file, '\x7fELF\0/lib/ld-musl-x86_64.so.1\0');
    const pretend = `Object.defineProperty(process, 'execPath', { value: ${JSON.stringify(file)} })`;
    assert.match(
      said(pretend),
      /The package @parallel-account\/native-linux-\S+-musl is not installed/,
    );
    writeFileSync(file, '\x7fELF\0/lib64/ld-linux-x86-64.so.2\0');
    assert.equal(said(pretend), '');
  });

  test('lets the command say so in a line, and end with 1', () => {
    const folder = mkdtempSync(join(tmpdir(), 'parallel-account-'));
    const from = join(project, 'node_modules', 'parallel-account');
    cpSync(from, join(folder, 'node_modules', 'parallel-account'), { recursive: true });
    const file = join(folder, 'node_modules', 'parallel-account', 'dist', 'command.js');
    const { status, stdout, stderr } = spawnSync('node', [file, '--version'], { encoding: 'utf8' });
    assert.deepEqual([status, stdout], [1, '']);
    assert.match(
      stderr,
      /^parallel-account: The package @parallel-account\/native-\S+ is not installed.*\n$/,
    );
    rmSync(folder, { recursive: true });
  });

  test('for a platform that has none says so, and which have', () => {
    const message = said(`Object.defineProperty(process, 'arch', { value: 'riscv64' })`);
    assert.match(message, /There is no package @parallel-account\/native-linux-riscv64-gnu/);
    const { targets } = JSON.parse(readFileSync(join(here, 'napi.json'), 'utf8'));
    const listed = /native modules for (.*?)\. On/.exec(message)[1].split(', ');
    // As napi.json lists them for the packages.
    const os = { linux: 'linux', darwin: 'darwin', windows: 'win32' };
    const cpu = { x86_64: 'x64', aarch64: 'arm64' };
    assert.deepEqual(
      listed,
      targets.map((triple) => {
        const [arch, , system, abi] = triple.split('-');
        return [os[system], cpu[arch], abi].filter(Boolean).join('-');
      }),
    );
  });

  test('that is broken says what the system says', () => {
    const folder = mkdtempSync(join(tmpdir(), 'parallel-account-'));
    cpSync(join(project, 'node_modules'), join(folder, 'node_modules'), { recursive: true });
    writeFileSync(
      join(folder, 'node_modules', nativePackage, `parallel-account.${platform}.node`),
      'x',
    );
    assert.match(said('', folder), /for linux-\S+ cannot be loaded: .* ERR_DLOPEN_FAILED/);
    rmSync(folder, { recursive: true });
  });
});

describe('publishing', () => {
  test('sends the platforms first, and asks the registry what it has', () => {
    const lines = run(
      'node',
      ['tools/release/publish.mjs', '--dry-run', '--provenance'],
      here,
    ).trim();
    const { version } = manifestOf('parallel-account');
    const expected = [nativePackage, 'parallel-account'].map(
      (name) => `${name}@${version} would be published`,
    );
    assert.deepEqual(lines.split('\n'), expected);
  });

  test('leaves out what is published already', () => {
    const folder = mkdtempSync(join(tmpdir(), 'parallel-account-'));
    const published = [{ id: 'esbuild@0.28.2', filename: 'none.tgz' }];
    writeFileSync(join(folder, 'tarballs.json'), JSON.stringify(published));
    const lines = run('node', ['tools/release/publish.mjs', '--dry-run', folder], here);
    assert.equal(lines, 'esbuild@0.28.2 is published already\n');
    rmSync(folder, { recursive: true });
  });
});

describe('what tools for packages say', () => {
  const bin = join(target, 'node-packaging', 'node_modules', '.bin');
  const main = () =>
    join(tarballs, `parallel-account-${manifestOf('parallel-account').version}.tgz`);

  test('publint', () => {
    assert.match(run(join(bin, 'publint'), ['run', main(), '--strict'], project), /All good!/);
  });

  test('are the types wrong?', () => {
    const said = run(join(bin, 'attw'), [main(), '--format', 'ascii', '--no-emoji'], project);
    assert.match(said, /No problems found/);
  });
});

describe('types, as the compiler of the one who installed it sees them', () => {
  const ways = {
    node16: ['--module', 'node16'],
    nodenext: ['--module', 'nodenext'],
    bundler: ['--module', 'esnext', '--moduleResolution', 'bundler'],
  };
  before(() => {
    cpSync(join(here, 'test', 'types'), project, { recursive: true });
    cpSync(join(here, 'node_modules', '@types'), join(project, 'node_modules', '@types'), {
      recursive: true,
    });
    const undici = join('node_modules', 'undici-types');
    cpSync(join(here, undici), join(project, undici), { recursive: true });
  });

  function compile(flags, file, folder) {
    const strict = ['--noEmit', '--strict', '--exactOptionalPropertyTypes'];
    const goal = ['--target', 'es2022', '--lib', 'es2023,esnext.disposable'];
    const args = ['--ignoreConfig', ...strict, ...goal, '--types', 'node', ...flags];
    run(join(here, 'node_modules', '.bin', 'tsc'), [...args, file], folder);
  }

  for (const [name, flags] of Object.entries(ways)) {
    for (const file of ['usage.mts', 'usage.cts']) {
      if (name === 'bundler' && file.endsWith('.cts')) continue;
      test(`${name}, ${file}`, () => compile(flags, file, project));
    }
    // Here, where the drivers are.
    test(`${name}, stores`, () =>
      compile(['--skipLibCheck', ...flags], 'test/types/stores.mts', here));
  }
  test('stores by require', () => compile(ways.node16, 'stores.cts', project));
});
