// The built site in real Chromium: for everybody, light to load, and without a network.
// SITE is the folder where it was built.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { extname, join, normalize } from 'node:path';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';

const SITE = process.env.SITE;
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const MOST_BYTES = 300_000;
const KINDS = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
};
const PAGES = readdirSync(SITE, { recursive: true }).filter((name) => name.endsWith('.html'));
const LOOKS = [320, 1280].flatMap((width) =>
  ['light', 'dark'].map((colorScheme) => ({ width, colorScheme })),
);

const SHOWN = ['index', 'start', 'limits', 'guides/web-service', 'concepts/refresh'].map(
  (it) => `${it}.html`,
);

let browser;
let server;
let address;

before(async () => {
  server = createServer(async (request, response) => {
    const path = normalize(decodeURI(new URL(request.url, 'http://site').pathname));
    const body = await readFile(join(SITE, path)).catch(() => undefined);
    response.writeHead(body ? 200 : 404, { 'content-type': KINDS[extname(path)] ?? 'text/plain' });
    response.end(body);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${server.address().port}`;
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu'],
  });
});

after(async () => {
  await browser?.close();
  server?.close();
});

/** A fresh visitor's page; what it asks of other hosts is refused and reported. */
async function visit(use, options = {}) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const elsewhere = [];
  await page.route(
    (url) => url.origin !== address,
    (route) => {
      elsewhere.push(route.request().url());
      return route.abort();
    },
  );
  try {
    await use(page);
    assert.deepEqual(elsewhere, []);
  } finally {
    await context.close();
  }
}

/** Does the work for every page, two at a time; answers what is wrong. */
async function everyPage(work) {
  const rest = [...PAGES];
  const wrong = [];
  const worker = async () => {
    for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
      wrong.push(...(await work(name)).map((it) => `${name}: ${it}`));
    }
  };
  await Promise.all([worker(), worker()]);
  return wrong.sort();
}

/** What axe says of a page. */
async function violations(page) {
  await page.addScriptTag({ path: AXE });
  return page.evaluate(async () => {
    const found = await globalThis.axe.run({ resultTypes: ['violations'] });
    return found.violations.map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 160)}`);
  });
}

async function screenshot(page, name, look) {
  const file = `${name.replace(/\W/g, '-').replace(/-html$/, '')}-${look}.png`;
  if (SHOWN.includes(name)) await page.screenshot({ path: join(process.env.SCREENSHOTS, file) });
}

for (const { width, colorScheme } of LOOKS) {
  test(`every page is light to load and accessible at ${width} pixels, in ${colorScheme}`, async (t) => {
    let [most, heaviest] = [0, ''];
    const options = { viewport: { width, height: 800 }, colorScheme };
    const wrong = await everyPage(async (name) => {
      const found = [];
      await visit(async (page) => {
        const bodies = [];
        page.on('response', (response) => bodies.push(response.body()));
        await page.goto(`${address}/${name}`);
        if (process.env.SCREENSHOTS) await screenshot(page, name, `${width}-${colorScheme}`);
        await page.mouse.wheel(0, 100_000); // pictures wait until they are near
        const across = await page.evaluate(() => document.documentElement.scrollWidth);
        if (across > width) found.push(`${across} pixels wide`);
        found.push(...(await violations(page)));
        const bytes = (await Promise.all(bodies)).reduce((sum, body) => sum + body.length, 0);
        if (bytes > most) [most, heaviest] = [bytes, name];
        if (bytes >= MOST_BYTES) found.push(`${bytes} bytes`);
      }, options);
      return found;
    });
    t.diagnostic(`the heaviest page is ${heaviest}, with ${most} bytes`);
    assert.deepEqual(wrong, []);
  });
}

test('tabs remember the language on other pages, and by the keyboard', () =>
  visit(async (page) => {
    await page.goto(`${address}/start.html`);
    const shown = () => page.locator('.sd-tab-content:visible').first().innerText();
    assert.match(await shown(), /pip install/);
    await page.getByText('Node', { exact: true }).first().click();
    assert.match(await shown(), /npm install/);
    await page.goto(`${address}/guides/production.html`);
    assert.match(await shown(), /withOptions/);
    await page.locator('.sd-tab-set > input:checked').first().focus();
    await page.keyboard.press('ArrowRight');
    assert.match(await shown(), /CallOptions/);
    await page.goto(`${address}/start.html`);
    assert.match(await shown(), /tokio/);
  }));

test('the search finds what a page says, without a network', () =>
  visit(async (page) => {
    await page.goto(`${address}/start.html`);
    await page.locator('input[name=q]').first().fill('idempotency');
    await page.keyboard.press('Enter');
    await page.locator('#search-results a', { hasText: 'Going to production' }).first().waitFor();
  }));

test('the look can be chosen and is kept', () =>
  visit(
    async (page) => {
      const color = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      await page.goto(`${address}/start.html`);
      const light = await color();
      const toggle = page.locator('.theme-toggle:visible').first();
      while ((await page.locator('body').getAttribute('data-theme')) !== 'dark')
        await toggle.click();
      const dark = await color();
      assert.notEqual(dark, light);
      await page.goto(`${address}/limits.html`);
      assert.equal(await color(), dark);
    },
    { colorScheme: 'light' },
  ));
