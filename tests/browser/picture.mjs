// Draws a page into a picture: picture.mjs FILE.html FILE.png. Nothing is loaded from elsewhere.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const [page, picture] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
const tab = await browser.newPage({ viewport: { width: 920, height: 600 } });
await tab.route(/^https?:/, (route) => route.abort());
await tab.goto(pathToFileURL(resolve(page)).href);
await tab.screenshot({ path: picture, fullPage: true });
await browser.close();
