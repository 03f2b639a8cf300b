// The snippets of the README, each as it is written there.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const readme = readFileSync(join(import.meta.dirname, '..', '..', 'README.md'), 'utf8');

/** Every block of JavaScript, with the chapter that it is in and the line where it begins. */
export const snippets = [];
{
  let chapter = '';
  let inside;
  for (const [index, line] of readme.split('\n').entries()) {
    if (inside === undefined) {
      if (line.startsWith('## ')) chapter = line.slice(3);
      if (line === '```js') inside = { chapter, line: index + 2, code: '' };
    } else if (line === '```') {
      snippets.push(inside);
      inside = undefined;
    } else {
      inside.code += `${line}\n`;
    }
  }
}

/** The one snippet that has a line with this beginning. */
export function snippet(first) {
  const found = snippets.filter(({ code }) => `\n${code}`.includes(`\n${first}`));
  if (found.length !== 1) throw new Error(`${found.length} snippets have a line "${first}…"`);
  return found[0].code;
}

/** The first block of another kind after this sentence. */
export function block(kind, before) {
  const from = readme.indexOf(before);
  const found = new RegExp(`^\`\`\`${kind}\n(.*?)^\`\`\``, 'ms').exec(readme.slice(from));
  if (from === -1 || !found) throw new Error(`The README has no ${kind} after "${before}"`);
  return found[1];
}
