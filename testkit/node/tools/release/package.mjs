// Makes the packages as they are published: the main one, and one per platform with its program, of
// which npm installs the one that fits. Needs `tools/setup`. The tarballs lie in
// target/npm-sandbox/tarballs; nothing is published: bindings-node/tools/release/publish.mjs does that.
//
//   --programs FOLDER   has a folder for each platform (linux-x64, …) with its program
//   --debug             of the debug build in target/debug, into target/npm-sandbox-debug, for tests
//   --all               refuse unless there is the program of every platform
//   --repository URL    where the code is, for the package's page and its provenance

import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import {
  billOfMaterials,
  licenseText,
  linkedCrates,
  unknownLicenses,
} from '../../../../bindings-node/tools/release/third-party.mjs';

const CRATE = 'parallel-account-sandbox';

/** Static on Linux, so that one program serves every C library. */
const TRIPLES = {
  'linux-x64': 'x86_64-unknown-linux-musl',
  'linux-arm64': 'aarch64-unknown-linux-musl',
  'darwin-x64': 'x86_64-apple-darwin',
  'darwin-arm64': 'aarch64-apple-darwin',
  'win32-x64': 'x86_64-pc-windows-msvc',
  'win32-arm64': 'aarch64-pc-windows-msvc',
};

const { values: options } = parseArgs({
  options: {
    all: { type: 'boolean', default: false },
    debug: { type: 'boolean', default: false },
    programs: { type: 'string' },
    repository: { type: 'string' },
  },
});
const here = join(import.meta.dirname, '..', '..');
const target = process.env.CARGO_TARGET_DIR ?? join(here, '..', '..', 'target');
const stage = join(target, options.debug ? 'npm-sandbox-debug' : 'npm-sandbox');

function refuse(message) {
  console.error(message);
  process.exit(1);
}

if (options.debug === (options.programs !== undefined)) {
  refuse('Say where the programs are: --programs FOLDER, or --debug for the debug build.');
}

const nameOn = (platform) => (platform.startsWith('win32') ? `${CRATE}.exe` : CRATE);

/** Where the program of a platform is, if there is one. */
function programOf(platform) {
  const isHere = platform === `${process.platform}-${process.arch}`;
  if (options.debug && !isHere) return undefined;
  const folder = options.debug ? join(target, 'debug') : resolve(options.programs, platform);
  const file = join(folder, nameOn(platform));
  return existsSync(file) ? file : undefined;
}

const write = (file, content) => writeFileSync(file, `${JSON.stringify(content, null, 2)}\n`);
const { devDependencies, scripts, ...main } = JSON.parse(
  readFileSync(join(here, 'package.json'), 'utf8'),
);
const { version, license, engines } = main;
const repository = options.repository && {
  repository: { type: 'git', url: options.repository, directory: 'testkit/node' },
};

/** Makes a platform's package. */
function platformPackage(platform, program) {
  const [os, cpu] = platform.split('-');
  const name = `@parallel-account/sandbox-${platform}`;
  const folder = join(stage, 'platforms', platform);
  const file = nameOn(platform);
  mkdirSync(folder, { recursive: true });
  cpSync(program, join(folder, file));
  chmodSync(join(folder, file), 0o755);
  cpSync(join(here, 'LICENSE'), join(folder, 'LICENSE'));
  writeFileSync(
    join(folder, 'README.md'),
    `# ${name}\n\nThe program of [${CRATE}](https://www.npmjs.com/package/${CRATE}) for ${platform}.\n`,
  );
  const crates = linkedCrates(TRIPLES[platform], CRATE);
  const unknown = unknownLicenses(crates);
  if (unknown.length > 0) refuse(`These licenses need a look:\n${unknown.join('\n')}`);
  writeFileSync(join(folder, 'third-party.txt'), licenseText(crates, CRATE));
  write(join(folder, 'sbom.cdx.json'), billOfMaterials(crates, name, version, CRATE));
  write(join(folder, 'package.json'), {
    name,
    version,
    description: `The program of ${CRATE} for ${platform}`,
    license,
    ...repository,
    os: [os],
    cpu: [cpu],
    engines,
    // Yarn would keep the package zipped, and a program cannot be run from there.
    preferUnplugged: true,
    files: [file, 'sbom.cdx.json', 'third-party.txt'],
  });
  return { name, folder };
}

rmSync(stage, { recursive: true, force: true });
mkdirSync(join(stage, 'tarballs'), { recursive: true });
const programs = Object.keys(TRIPLES).map((platform) => [platform, programOf(platform)]);
const missing = programs.filter(([, program]) => program === undefined).map(([name]) => name);
if (options.all && missing.length > 0) refuse(`There is no program for ${missing.join(', ')}.`);
if (missing.length === programs.length) {
  refuse(`There is no program. Run "cargo build -p ${CRATE}" first.`);
}
const platforms = programs
  .filter(([, program]) => program !== undefined)
  .map(([platform, program]) => platformPackage(platform, program));

const folder = join(stage, 'main');
mkdirSync(folder);
for (const name of ['dist', 'README.md', 'LICENSE']) {
  cpSync(join(here, name), join(folder, name), { recursive: true });
}
write(join(folder, 'package.json'), {
  ...main,
  ...repository,
  optionalDependencies: Object.fromEntries(platforms.map(({ name }) => [name, version])),
});

// In the order in which they are published: the platforms' before the one that asks for them.
const tarballs = [...platforms.map((it) => it.folder), folder].map((it) => {
  const args = ['pack', '--json', '--pack-destination', join(stage, 'tarballs'), it];
  const packed = execFileSync('npm', args, {
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  const [{ id, filename, size }] = Object.values(JSON.parse(packed));
  console.log(`${id}: ${filename}, ${(size / 1e6).toFixed(2)} MB`);
  return { id, filename };
});
write(join(stage, 'tarballs.json'), tarballs);
