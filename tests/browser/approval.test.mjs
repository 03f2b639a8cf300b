// The approval page as a person meets it: real Chromium, real sandbox.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { CLIENT_NAME, startSandbox } from './sandbox.mjs';

let browser;
let sandbox;

before(async () => {
  sandbox = await startSandbox();
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
});

after(async () => {
  await browser?.close();
  await sandbox?.stop();
});

async function withPage(use, options = {}) {
  const context = await browser.newContext({ viewport: { width: 900, height: 760 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const complaints = [];
  page.on('console', (message) => {
    // A 4xx answer is what some pages are for; everything else is a fault of the page.
    if (message.type() === 'error' && !/status of 4\d\d/.test(message.text())) {
      complaints.push(message.text());
    }
  });
  try {
    await use(page);
    assert.deepEqual(complaints, []);
  } finally {
    await context.close();
  }
}

async function typeCode(page, code) {
  await page.goto(sandbox.pageUrl);
  await page.getByLabel('Code').fill(code);
  await page.getByRole('button', { name: 'Continue' }).click();
}

test('typing the code and approving gives the client its tokens', () =>
  withPage(async (page) => {
    const login = await sandbox.login();
    assert.equal((await login.poll()).error, 'authorization_pending');
    await typeCode(page, login.user_code);
    await page.getByRole('heading', { name: `Allow ${CLIENT_NAME} to use` }).waitFor();
    assert.equal(await page.locator('#code').textContent(), login.user_code);
    const asked = await page.getByRole('list', { name: 'It asks to' }).textContent();
    for (const scope of ['balance:read', 'balance:add', 'apps:read', 'keys:create']) {
      assert.ok(asked.includes(scope), scope);
    }
    if (process.env.SCREENSHOT) {
      await page.getByRole('main').screenshot({ path: process.env.SCREENSHOT });
    }
    await page.getByRole('button', { name: 'Approve' }).click();
    await page.getByRole('heading', { name: 'Approved' }).waitFor();
    const tokens = await login.poll();
    assert.equal(tokens.org_id, 'org_sandbox');
    assert.ok(tokens.access_token);
  }));

test('denying tells the client so', () =>
  withPage(async (page) => {
    const login = await sandbox.login();
    await page.goto(login.verification_uri_complete);
    await page.getByRole('button', { name: 'Deny' }).click();
    await page.getByRole('heading', { name: 'Denied' }).waitFor();
    assert.equal((await login.poll()).error, 'access_denied');
  }));

test('an unknown code is said to be unknown and can be typed again', () =>
  withPage(async (page) => {
    await typeCode(page, 'BCDF-GHJK');
    await page.getByRole('alert').getByText('This code is not known').waitFor();
    const login = await sandbox.login();
    await page.getByLabel('Code').fill(login.user_code.toLowerCase().replace('-', ' '));
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('button', { name: 'Approve' }).waitFor();
  }));

test('an expired code is said to have expired', () =>
  withPage(async (page) => {
    const login = await sandbox.login();
    await sandbox.control('expire-device-code', { user_code: login.user_code });
    await typeCode(page, login.user_code);
    await page.getByRole('heading', { name: 'This code has expired' }).waitFor();
    await page.getByRole('link', { name: 'Enter another code' }).click();
    await page.getByLabel('Code').waitFor();
  }));

test('a code that expires while the page is open cannot be approved', () =>
  withPage(async (page) => {
    const login = await sandbox.login();
    await page.goto(login.verification_uri_complete);
    await sandbox.control('expire-device-code', { user_code: login.user_code });
    await page.getByRole('button', { name: 'Approve' }).click();
    await page.getByRole('heading', { name: 'This code has expired' }).waitFor();
    assert.equal((await login.poll()).error, 'expired_token');
  }));

test('a used code is said to have been used', () =>
  withPage(async (page) => {
    const login = await sandbox.login();
    await sandbox.control('approve', { user_code: login.user_code });
    assert.ok((await login.poll()).access_token);
    await page.goto(login.verification_uri_complete);
    await page.getByRole('heading', { name: 'This code has been used' }).waitFor();
  }));

test('the keyboard alone is enough, and shows where it is', () =>
  withPage(async (page) => {
    const login = await sandbox.login();
    await page.goto(sandbox.pageUrl);
    // The field takes the focus by itself; a person sees that before typing.
    await page.locator('input[name=user_code]:focus').waitFor();
    await page.keyboard.type(login.user_code);
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Approve' }).waitFor();
    const focused = () => page.evaluate(() => document.activeElement.textContent);
    for (let presses = 0; (await focused()) !== 'Approve'; presses += 1) {
      assert.ok(presses < 5, 'Approve is a few tabs away');
      await page.keyboard.press('Tab');
    }
    const outline = await page.evaluate(
      () => getComputedStyle(document.activeElement).outlineStyle,
    );
    assert.equal(outline, 'solid');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Approved' }).waitFor();
    assert.ok((await login.poll()).access_token);
  }));

test('without JavaScript everything works', () =>
  withPage(
    async (page) => {
      const login = await sandbox.login();
      await typeCode(page, login.user_code);
      await page.getByRole('button', { name: 'Approve' }).click();
      await page.getByRole('heading', { name: 'Approved' }).waitFor();
      assert.ok((await login.poll()).access_token);
    },
    { javaScriptEnabled: false },
  ));

test('a phone in dark mode needs no sideways scrolling', () =>
  withPage(
    async (page) => {
      const login = await sandbox.login();
      await page.goto(login.verification_uri_complete);
      const [width, background] = await page.evaluate(() => [
        document.documentElement.scrollWidth,
        getComputedStyle(document.body).backgroundColor,
      ]);
      assert.equal(width, 320);
      assert.equal(background, 'rgb(22, 21, 20)');
    },
    { viewport: { width: 320, height: 640 }, colorScheme: 'dark' },
  ));

for (const colorScheme of ['light', 'dark']) {
  test(`a phone shows all that matters without scrolling, in ${colorScheme}`, () =>
    withPage(
      async (page) => {
        const login = await sandbox.login();
        await page.goto(login.verification_uri_complete);
        for (const name of ['Approve', 'Deny']) {
          const { y, height } = await page.getByRole('button', { name }).boundingBox();
          assert.ok(y + height <= 740, `${name} ends at ${y + height}`);
        }
        assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360);
        if (process.env.PICTURES) {
          await page.screenshot({
            path: `${process.env.PICTURES}/approval-phone-${colorScheme}.png`,
          });
        }
      },
      { viewport: { width: 360, height: 740 }, colorScheme },
    ));
}
