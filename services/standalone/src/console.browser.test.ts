import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Wallet } from '@paycrawl/testkit/devnet-actions';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { childEnvironment } from './config.js';
import { type PlatformProcess, startPlatformProcess } from './testing/platform-process.js';
import { openReadApi, sumOf } from './testing/read-api.js';
import { openVisitor, type Visitor } from './testing/visitor.js';

// A publisher in a real Chromium, a person at the site, and real payments behind both.

/** Where Chromium is on the machines of developers and of CI. */
const chromiumPaths = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** Undefined where none is installed: the test says so and skips. */
const chromiumPath = chromiumPaths.find((path) => existsSync(path));

/** Each launch has a profile of its own. */
function launchChromium(executablePath: string): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [
      ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
      ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
    ],
  });
}

if (chromiumPath === undefined) {
  process.stdout.write('console.browser.test: no Chromium is installed here, so it is skipped\n');
}

const path = '/articles/serverless.html';
const phone = { width: 390, height: 844 };
const soon = { timeout: 30_000 };
/** Run in the page: how far it can be scrolled sideways. */
const sidewaysPx = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';

describe.skipIf(chromiumPath === undefined)('console of a running platform', () => {
  let platform: PlatformProcess;
  let visitor: Visitor;
  let browser: Browser;
  let pictures: string | undefined;
  /** Where a developer wants to look at the pictures. */
  const keptIn = childEnvironment().PICTURES_DIR;
  /** What pages complained about. */
  const complaints: string[] = [];

  beforeAll(async () => {
    platform = await startPlatformProcess();
    visitor = openVisitor(platform.run.ingress);
    browser = await launchChromium(chromiumPath ?? '');
    pictures = keptIn ?? (await mkdtemp(join(tmpdir(), 'console-')));
  }, 120_000);

  afterAll(async () => {
    visitor?.close();
    await browser?.close();
    if (keptIn === undefined && pictures !== undefined) await rm(pictures, { recursive: true });
    await platform?.remove();
  });

  const base = () => `/p/${platform.run.publisher.id}`;
  const wallet = (i: number) => platform.run.wallets[i] as Wallet;
  const buy = async (i = 0) => expect((await visitor.pay(wallet(i), { path })).status).toBe(200);

  async function open(
    at: string,
    options: Parameters<Browser['newPage']>[0] & { readonly token?: string } = {},
  ): Promise<Page> {
    const { token = platform.run.publisher.token, ...rest } = options;
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, ...rest });
    page.setDefaultTimeout(soon.timeout);
    page.on('pageerror', (error) => complaints.push(`${at}: ${error.message}`));
    if (token !== '') {
      const content = `sessionStorage.setItem('paycrawl.token', ${JSON.stringify(token)})`;
      await page.addInitScript({ content });
    }
    await page.goto(platform.run.console + at);
    return page;
  }

  const picture = (page: Page, name: string) =>
    page.screenshot({ path: join(pictures ?? '', `${name}.png`), fullPage: true });

  /** The figure as people read it: 0.002 USDC for 2000 atomic units. */
  async function chargedByApi(): Promise<string> {
    const atomic = sumOf((await openReadApi(platform.run).balance()).charged);
    const digits = atomic.toString().padStart(7, '0');
    const fraction = digits.slice(-6).replace(/0+$/, '').padEnd(2, '0');
    return `${digits.slice(0, -6)}.${fraction} USDC`;
  }

  test('error: token_invalid', async () => {
    const page = await open('/', { token: '' });
    await page.getByLabel('Access token').fill('guess');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('This token is not known here.').waitFor();
    await picture(page, 'wrong-token');
    await page.close();
  }, 60_000);

  test('behavior: revenue after sign-in is that of the API, and grows without a reload', async () => {
    await buy();
    const page = await open('/', { token: '' });
    await page.getByLabel('Access token').fill(platform.run.publisher.token);
    await page.getByRole('button', { name: 'Sign in' }).click();
    const figure = page.getByTestId('charged-today');
    await expect.poll(() => figure.textContent(), soon).toBe('0.001 USDC');
    expect(await chargedByApi()).toBe('0.001 USDC');
    let loads = 0;
    page.on('load', () => {
      loads += 1;
    });
    await buy(1);
    await expect.poll(() => figure.textContent(), soon).toBe('0.002 USDC');
    await expect.poll(chargedByApi, soon).toBe('0.002 USDC');
    expect(loads).toBe(0);
    await picture(page, 'overview');
    await page.close();
  }, 90_000);

  test('behavior: a new crawl comes into the list, and leads to its settlement', async () => {
    const page = await open(`${base()}/crawls`);
    const rows = page.getByRole('table').locator('tbody tr');
    await expect.poll(() => rows.count(), soon).toBeGreaterThan(1);
    const settled = rows.filter({ hasText: /settled/i }).first();
    await settled.waitFor();
    await picture(page, 'crawls');
    await settled.getByRole('link').first().click();
    await page.getByRole('heading', { name: 'Charge settled' }).first().waitFor();
    const names = page.getByRole('listitem').getByRole('heading');
    expect(await names.allInnerTexts()).toEqual(
      expect.arrayContaining(['Proof received', 'Payment accepted', 'Batch submitted']),
    );
    const transaction = await page
      .getByTitle(/^0x[0-9a-f]{64}$/)
      .first()
      .getAttribute('title');
    const api = openReadApi(platform.run);
    const { settlements } = await api.get<{ settlements: { transaction: string }[] }>(
      '/v1/settlements',
    );
    expect(settlements.map((one) => one.transaction)).toContain(transaction);
    await picture(page, 'crawl');
    await page.goto(`${platform.run.console}${base()}/settlements`);
    await page.getByText('Confirmed').first().waitFor();
    await picture(page, 'settlements');
    await page.close();
  }, 120_000);

  test('behavior: a price edited here is the price of the next 402', async () => {
    expect((await visitor.offer({ path })).accepts[0]?.amount).toBe('1000');
    const page = await open(`${base()}/price-book`);
    await page.getByRole('button', { name: 'Edit' }).click();
    await page.getByLabel('Price of one page').last().fill('USD 0.0025');
    await picture(page, 'price-book-edit');
    await page.getByRole('button', { name: 'Replace', exact: true }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Replace it' }).click();
    await page.getByText('Version 2 is written and takes effect now.').waitFor();
    await expect
      .poll(async () => (await visitor.offer({ path })).accepts[0]?.amount, soon)
      .toBe('2500');
    await picture(page, 'price-book');
    await buy();
    await expect.poll(chargedByApi, soon).toBe('0.0045 USDC');
    await page.close();
  }, 90_000);

  test('error: forbidden', async () => {
    const page = await open('/p/somebody-else');
    await page.getByText('forbidden', { exact: true }).first().waitFor();
    expect(await page.locator('body').textContent()).not.toContain('USDC');
    await picture(page, 'forbidden');
    await page.close();
  }, 60_000);

  test('behavior: on a phone, in dark colours, nothing is wider than the screen', async () => {
    const pages = [
      ['', 'GPTBot'],
      ['/crawls', 'GPTBot'],
      ['/settlements', 'Confirmed'],
      ['/price-book', 'in force'],
    ] as const;
    for (const [at, sign] of pages) {
      const page = await open(`${base()}${at}`, { viewport: phone, colorScheme: 'dark' });
      await page.getByText(sign).first().waitFor();
      expect(await page.evaluate(sidewaysPx), at).toBe(0);
      const ground = String(await page.evaluate('getComputedStyle(document.body).backgroundColor'));
      expect(Number.parseInt(ground.replace('rgb(', ''), 10), at).toBeLessThan(64);
      await picture(page, `phone${at.replace('/', '-')}`);
      await page.close();
    }
  }, 120_000);

  test('behavior: a person reads the site for nothing, through the ingress', async () => {
    const page = await browser.newPage({
      userAgent: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36',
    });
    const index = await page.goto(platform.run.ingress);
    expect(index?.status()).toBe(200);
    await picture(page, 'site');
    await page.locator('a[href^="/articles/"]').first().click();
    await page.waitForURL(/\/articles\//);
    expect((await page.locator('body').textContent())?.length).toBeGreaterThan(500);
    await picture(page, 'article');
    await page.close();
  }, 60_000);

  test('behavior: no page complained', () => {
    expect(complaints).toEqual([]);
  });
});
