// What of others is linked into the native module, or into another crate of this workspace: their
// licenses, and a bill of materials.

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const here = join(import.meta.dirname, '..', '..');
const ROOT = 'parallel-account-node';

/** Licenses that ask for no more than to be named, which is done here. */
const ALLOWED = new Set([
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BSL-1.0',
  'CC0-1.0',
  'CDLA-Permissive-2.0',
  'ISC',
  'MIT',
  'MIT-0',
  'Unicode-3.0',
  'Unlicense',
  'Zlib',
]);

/** The crates linked into one for a target, with what `cargo metadata` says of each, by name. */
export function linkedCrates(triple, root = ROOT) {
  const options = { cwd: here, encoding: 'utf8', maxBuffer: 2 ** 28 };
  const args = ['metadata', '--format-version', '1', '--locked', '--filter-platform', triple];
  const { packages, resolve } = JSON.parse(execFileSync('cargo', args, options));
  const packageOf = new Map(packages.map((crate) => [crate.id, crate]));
  const nodeOf = new Map(resolve.nodes.map((node) => [node.id, node]));
  const linked = new Map();
  const visit = (id) => {
    if (linked.has(id)) return;
    const dependencies = nodeOf
      .get(id)
      .deps.filter(({ pkg, dep_kinds }) => {
        const isNormal = dep_kinds.some(({ kind }) => kind === null);
        // A macro works for the compiler and is not linked, nor is what it uses.
        const isMacro = packageOf.get(pkg).targets.some(({ kind }) => kind.includes('proc-macro'));
        return isNormal && !isMacro;
      })
      .map(({ pkg }) => pkg);
    linked.set(id, { ...packageOf.get(id), dependencies });
    for (const dependency of dependencies) visit(dependency);
  };
  visit(packages.find(({ name }) => name === root).id);
  return [...linked.values()].sort((a, b) => (reference(a) < reference(b) ? -1 : 1));
}

const reference = ({ name, version }) => `pkg:cargo/${name}@${version}`;
const isOurs = ({ source }) => source === null;

/** Its license as an SPDX expression. */
const expressionOf = ({ license }) => license?.replaceAll(/\s*\/\s*/g, ' OR ');

/** The crates whose license is not known to be harmless. */
export function unknownLicenses(crates) {
  return crates
    .filter((crate) => {
      const expression = expressionOf(crate) ?? '';
      const names = expression.replaceAll(/ WITH [\w-]+|[()]/g, '').split(/ (?:OR|AND) /);
      const allowed = names.filter((name) => ALLOWED.has(name));
      return expression.includes(' AND ') ? allowed.length < names.length : allowed.length === 0;
    })
    .map((crate) => `${crate.name} ${crate.version}: ${crate.license}`);
}

/** The list, and every license's text once. */
export function licenseText(crates, what = 'The native module of parallel-account') {
  const others = crates.filter((crate) => !isOurs(crate));
  const texts = new Map();
  for (const crate of others) {
    const folder = dirname(crate.manifest_path);
    for (const file of readdirSync(folder).sort()) {
      if (!/^(licen[cs]e|copying|notice|unlicense)/i.test(file)) continue;
      const text = readFileSync(join(folder, file), 'utf8').trim();
      texts.set(text, [...(texts.get(text) ?? []), `${crate.name} ${crate.version}`]);
    }
  }
  return [
    `${what} contains these crates, and the standard library of Rust`,
    '(MIT OR Apache-2.0):',
    '',
    ...others.map((crate) =>
      [`${crate.name} ${crate.version}`, expressionOf(crate), crate.repository]
        .filter(Boolean)
        .join(', '),
    ),
    ...[...texts].flatMap(([text, owners]) => ['', '-'.repeat(80), owners.join(', '), '', text]),
    '',
  ].join('\n');
}

/** The bill of materials, as CycloneDX 1.6. */
export function billOfMaterials(crates, name, version, linkedInto = ROOT) {
  const component = (crate) => ({
    type: 'library',
    'bom-ref': reference(crate),
    name: crate.name,
    version: crate.version,
    purl: reference(crate),
    licenses: [{ expression: expressionOf(crate) }],
    ...(crate.repository ? { externalReferences: [{ type: 'vcs', url: crate.repository }] } : {}),
  });
  const root = `pkg:npm/${name}@${version}`;
  const byId = new Map(crates.map((crate) => [crate.id, crate]));
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      component: { type: 'library', 'bom-ref': root, name, version, purl: root },
    },
    components: crates.map(component),
    dependencies: [
      { ref: root, dependsOn: crates.filter(({ name }) => name === linkedInto).map(reference) },
      ...crates.map((crate) => ({
        ref: reference(crate),
        dependsOn: crate.dependencies.map((id) => reference(byId.get(id))),
      })),
    ],
  };
}
