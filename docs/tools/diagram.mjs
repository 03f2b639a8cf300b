// Draws the Mermaid on standard input as an SVG whose colors are the page's.
import { readFileSync } from 'node:fs';
import { renderMermaidSVG } from 'beautiful-mermaid';

const page = (name) => `var(--color-${name})`;
const svg = renderMermaidSVG(readFileSync(0, 'utf8'), {
  bg: page('background-primary'),
  fg: page('foreground-primary'),
  muted: page('foreground-secondary'),
  font: 'inherit',
  transparent: true,
});
process.stdout.write(svg);
