// Makes the packages as they are published, below target/npm: the main one, which holds no native
// file, and one per platform, of which npm installs the one that fits. Needs `tools/setup` and
// `tools/release/setup`. The tarballs lie in target/npm/tarballs; nothing is published. What was
// made of the same files already is left as it is.
//
//   --native FOLDER     where the native files are; otherwise this platform's is built for release
//   --debug             of the debug build in native/, into target/npm-debug, for tests
//   --all               refuse unless there is the file of every platform in napi.json
//   --repository URL    where the code is, for the package's page and its provenance

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { billOfMaterials, licenseText, linkedCrates, unknownLicenses } from './third-party.mjs';

const { values: options } = parseArgs({
  options: {
    all: { type: 'boolean', default: false },
    debug: { type: 'boolean', default: false },
    native: { type: 'string' },
    repository: { type: 'string' },
  },
});
const here = join(import.meta.dirname, '..', '..');
const target = process.env.CARGO_TARGET_DIR ?? join(here, '..', 'target');
const stage = join(target, options.debug ? 'npm-debug' : 'npm');
const native = resolve(options.debug ? join(here, 'native') : (options.native ?? released()));
const napi = join(target, 'node-packaging', 'node_modules', '.bin', 'napi');

const read = (file) => JSON.parse(readFileSync(file, 'utf8'));
const write = (file, content) => writeFileSync(file, `${JSON.stringify(content, null, 2)}\n`);

function refuse(message) {
  console.error(message);
  process.exit(1);
}

function run(command, args) {
  try {
    return execFileSync(command, args, { cwd: stage, encoding: 'utf8', stdio: 'pipe' });
  } catch ({ stdout, stderr }) {
    refuse(`${stdout}${stderr}\nThis failed: ${command} ${args.join(' ')}`);
  }
}

/** Builds for release, beside the debug build that the tests use. */
function released() {
  const folder = join(target, 'npm-native');
  const script = join(here, 'scripts', 'build-native.mjs');
  execFileSync(process.execPath, [script, '--release', folder], { stdio: 'inherit' });
  return folder;
}

/** How napi and npm call the platform of a Rust target. */
function platformOf(triple) {
  const [processor, , system, abi] = triple.split('-');
  const cpu = { x86_64: 'x64', aarch64: 'arm64' }[processor];
  const os = { linux: 'linux', darwin: 'darwin', windows: 'win32' }[system];
  return [os, cpu, ...(abi === undefined ? [] : [abi])].join('-');
}

/** What the packages are made of, and by, besides the native files. */
const SOURCES = [
  'dist',
  'README.md',
  'LICENSE',
  'package.json',
  'napi.json',
  'tools',
  '../Cargo.lock',
];

/** Of a file, or of all in a folder. */
function contentOf(path) {
  if (!statSync(path).isDirectory()) return readFileSync(path);
  const names = readdirSync(path).sort();
  return Buffer.concat(names.flatMap((name) => [Buffer.from(name), contentOf(join(path, name))]));
}

const config = read(join(here, 'napi.json'));
const fileOf = (triple) => join(native, `${config.binaryName}.${platformOf(triple)}.node`);
const missing = config.targets.filter((triple) => !existsSync(fileOf(triple)));
if (options.all && missing.length > 0) refuse(`${native} has no file for ${missing.join(', ')}.`);
const targets = config.targets.filter((triple) => !missing.includes(triple));
if (targets.length === 0) refuse(`${native} is empty. Run "npm run build" first.`);

// Packing takes half a minute, and several suites ask for it.
const made = join(stage, 'made-of');
const inputs = createHash('sha256').update(JSON.stringify([process.argv.slice(2), targets]));
for (const name of [...SOURCES, ...targets.map(fileOf)]) {
  inputs.update(contentOf(resolve(here, name)));
}
const digest = inputs.digest('hex');
if (existsSync(made) && readFileSync(made, 'utf8') === digest) process.exit(0);

// The main package: what a checkout needs to build and test stays behind.
rmSync(stage, { recursive: true, force: true });
mkdirSync(join(stage, 'tarballs'), { recursive: true });
for (const name of ['dist', 'README.md', 'LICENSE']) {
  cpSync(join(here, name), join(stage, name), { recursive: true });
}
const { devDependencies, scripts, ...manifest } = read(join(here, 'package.json'));
manifest.files = ['dist'];
if (options.repository !== undefined) {
  manifest.repository = { type: 'git', url: options.repository, directory: 'bindings-node' };
}
write(join(stage, 'package.json'), manifest);
write(join(stage, 'napi.json'), { ...config, targets });

// The platforms' packages, by napi's tooling, each with the licenses of what is linked into it.
run(napi, ['create-npm-dirs', '-c', 'napi.json']);
run(napi, ['artifacts', '-c', 'napi.json', '--output-dir', native, '--npm-dir', 'npm']);
const folders = targets.map((triple) => {
  const folder = join(stage, 'npm', platformOf(triple));
  const crates = linkedCrates(triple);
  const unknown = unknownLicenses(crates);
  if (unknown.length > 0) refuse(`These licenses need a look:\n${unknown.join('\n')}`);
  const { files, ...platform } = read(join(folder, 'package.json'));
  const added = ['sbom.cdx.json', 'third-party.txt'];
  write(join(folder, 'package.json'), { ...platform, files: [...files, ...added] });
  write(join(folder, added[0]), billOfMaterials(crates, platform.name, platform.version));
  writeFileSync(join(folder, added[1]), licenseText(crates));
  cpSync(join(here, 'LICENSE'), join(folder, 'LICENSE'));
  return folder;
});

// Checks all of it first, then names the platforms' packages as optional dependencies.
const prepublish = ['pre-publish', '-c', 'napi.json', '--npm-dir', 'npm', '-t', 'npm'];
run(napi, [...prepublish, '--no-gh-release', '--dry-run']);
run(napi, [...prepublish, '--no-gh-release', '--skip-optional-publish']);

// In the order in which they are published: the platforms' before the one that asks for them.
const tarballs = [...folders, stage].map((folder) => {
  const packed = run('npm', ['pack', '--json', '--pack-destination', 'tarballs', folder]);
  const [{ id, filename, size }] = Object.values(JSON.parse(packed));
  const tarball = join(stage, 'tarballs', filename);
  run('npm', ['publish', '--dry-run', '--loglevel', 'error', tarball]);
  console.log(`${id}: ${filename}, ${(size / 1e6).toFixed(2)} MB`);
  return { id, filename };
});
write(join(stage, 'tarballs.json'), tarballs);
writeFileSync(made, digest);
