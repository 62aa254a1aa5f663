import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { operatorToken, publisherToken } from './console.fixture.js';
import { type ConsoleInBrowser, chromiumPath, startConsoleInBrowser } from './console-browser.js';
import { faintWords, layoutShift, namelessControls, sidewaysPx } from './page-checks.js';

if (chromiumPath === undefined) {
  process.stdout.write('console.browser.test: no Chromium is installed here, so it is skipped\n');
}

const phonePx = 390;
const visitMsMax = 60_000;
/** A bound and no wait: what is polled is there at once, unless the machine is very busy. */
const soon = { timeout: 20_000 };

describe.skipIf(chromiumPath === undefined)('console in a browser', { timeout: visitMsMax }, () => {
  let shown: ConsoleInBrowser;
  beforeAll(async () => {
    shown = await startConsoleInBrowser(chromiumPath ?? '');
  });
  afterAll(() => shown.close());

  async function asPublisher(path: string): Promise<Page> {
    return shown.open({ path, token: publisherToken });
  }
  async function asOperator(path: string): Promise<Page> {
    return shown.open({ path, token: operatorToken });
  }
  /** What can be read on the page, hidden words left out. */
  const words = async (page: Page) => (await page.locator('body').allInnerTexts()).join('\n');

  describe('sign-in', () => {
    test('behavior: a wrong token is told as one and not kept', async () => {
      const page = await shown.open({ path: '/' });
      await page.getByLabel('Access token').fill('guess');
      await page.keyboard.press('Enter');
      await page.getByText('This token is not known here.').waitFor();
      expect(await words(page)).toContain('token_invalid');
      expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
      await page.context().close();
    });

    test('behavior: a good token opens the asked page, stays in the tab, and leaves', async () => {
      const page = await shown.open({ path: '/p/gazette/crawls' });
      await page.getByLabel('Access token').fill(publisherToken);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByRole('heading', { name: 'Crawls', exact: true }).waitFor();
      expect(page.url()).toBe(`${shown.fixture.url}/p/gazette/crawls`);
      const kept = () =>
        page.evaluate(() => [JSON.stringify(sessionStorage), JSON.stringify(localStorage)]);
      const [inTab, beyondTab] = await kept();
      expect(inTab).toContain(publisherToken);
      expect(beyondTab).not.toContain(publisherToken);
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByLabel('Access token').waitFor();
      expect((await kept()).join()).not.toContain(publisherToken);
      await page.context().close();
    });

    test('behavior: a token that the API no longer takes leads back to the sign-in', async () => {
      const page = await shown.open({ path: '/p/gazette', token: 'token-of-yesterday' });
      await page.getByLabel('Access token').waitFor();
      expect(await words(page)).not.toContain('USDC');
      await page.context().close();
    });
  });

  describe('overview', () => {
    test('behavior: revenue now is exact and changes by itself', async () => {
      const page = await asPublisher('/');
      const figure = page.getByTestId('charged-today');
      await expect.poll(() => figure.textContent(), soon).toBe('1.2847 USDC');
      shown.fixture.pushLive('9007199254740993');
      await expect.poll(() => figure.textContent(), soon).toBe('9,007,199,254.740993 USDC');
      await page.context().close();
    });

    test('behavior: a broken stream keeps the figure, says so, and mends itself', async () => {
      const page = await asPublisher('/p/gazette');
      await page.getByText('Live', { exact: true }).waitFor();
      shown.fixture.breakLive();
      await page.getByText('connecting again').waitFor();
      expect(await page.getByTestId('charged-today').textContent()).toBe('1.2847 USDC');
      await page.getByText('Live', { exact: true }).waitFor();
      await page.context().close();
    });

    test('behavior: charts, crawlers, paths and conversion of the chosen days', async () => {
      const page = await asPublisher('/p/gazette');
      await page.getByText('36.6 % of challenges').waitFor();
      await page.locator('.recharts-bar-rectangle').first().waitFor();
      await page.getByText('Table', { exact: true }).click();
      await page.getByRole('table', { name: 'Challenges, paid crawls and revenue' }).waitFor();
      await page.getByText('7 days').click();
      await expect.poll(() => page.url(), soon).toContain('range=7d');
      await page.getByRole('link', { name: 'ClaudeBot' }).first().click();
      await page.getByRole('heading', { name: 'Crawls', exact: true }).waitFor();
      expect(page.url()).toMatch(/crawler=ClaudeBot&from=[\d-]+&to=[\d-]+$/);
      await page.context().close();
    });

    test('behavior: with nothing earned it says what would appear', async () => {
      const page = await asOperator('/p/quiet');
      await page.getByText('No crawler came lately.').waitFor();
      await page.getByText('No crawler met a price then.').waitFor();
      expect(await page.getByTestId('charged-today').textContent()).toBe('0.00 USDC');
      await page.context().close();
    });

    test('behavior: while answers are on their way there is a skeleton and no figure', async () => {
      const page = await asOperator('/p/slow');
      await page.locator('[aria-busy="true"]').first().waitFor();
      expect(await words(page)).not.toMatch(/\d\.\d/);
      await page.context().close();
    });

    test.each([
      ['broken', 'warehouse_locked', 'Stop the named process'],
      ['garbled', 'console_answer_unexpected', 'Reload the page'],
    ])('error: an API that is %s shows %s and no figure', async (publisher, code, next) => {
      const page = await asOperator(`/p/${publisher}`);
      await page.getByText(code).first().waitFor({ timeout: visitMsMax });
      const all = await words(page);
      expect(all).toContain(next);
      expect(all).not.toMatch(/USDC|\d\.\d/);
      await page.context().close();
    });
  });

  test('error: forbidden', async () => {
    const pages = ['', '/crawls', '/price-book'];
    for (const section of pages) {
      const page = await asPublisher(`/p/quiet${section}`);
      await page.getByText('forbidden', { exact: true }).first().waitFor();
      expect(await words(page)).toContain('This token belongs to another publisher.');
      await page.context().close();
    }
  });

  describe('crawls', () => {
    test('behavior: filters stand in the address and older pages follow', async () => {
      const page = await asPublisher('/p/gazette/crawls');
      const rows = page.getByRole('table').locator('tbody tr');
      await expect.poll(() => rows.count(), soon).toBe(50);
      await page.getByRole('button', { name: /^Show older crawls/ }).click();
      await page.getByText('The end: no older crawls in these days.').waitFor();
      expect(await rows.count()).toBe(62);
      await page.getByLabel('Path begins with').fill('/nowhere');
      await page.keyboard.press('Enter');
      await page.getByText('No crawl matches.').waitFor();
      expect(page.url()).toContain('path=%2Fnowhere');
      await page.getByRole('button', { name: 'Show all crawls' }).click();
      // What was loaded before is still known.
      await expect.poll(() => rows.count(), soon).toBe(62);
      await page.context().close();
    });

    test('behavior: one crawl shows every event in order, its place and its data', async () => {
      const page = await asPublisher('/p/gazette/crawls/crl_51a2c001');
      const names = page.getByRole('listitem').getByRole('heading');
      await names.first().waitFor();
      expect(await names.allInnerTexts()).toEqual([
        'Challenge issued',
        'Proof received',
        'Payment accepted',
        'Crawl delivered',
        'Charge posted',
        'Ledger posted',
        'Batch sealed',
        'Batch submitted',
        'Batch confirmed',
        'Charge settled',
      ]);
      const proof = page.getByRole('listitem').filter({ hasText: 'Proof received' });
      expect(await proof.textContent()).toContain('payments / 3 / 128');
      const toggle = proof.getByRole('button', { name: 'Data' });
      expect(await toggle.getAttribute('aria-expanded')).toBe('false');
      await toggle.press('Enter');
      await proof.getByText('"dialect": "x402-v2-exact"').waitFor();
      const transaction = page.getByTitle(/^0x9c1f0e6f/);
      expect(await transaction.textContent()).toBe('0x9c1f0e…28394a');
      await page.getByRole('link', { name: 'Open' }).click();
      await page.getByRole('heading', { name: 'Batch of 31 Jan 2026, 23:59:21' }).waitFor();
      await page.context().close();
    });

    test('error: crawl_not_found', async () => {
      const page = await asPublisher('/p/gazette/crawls/crl_none');
      await page.getByText('crawl_not_found').waitFor();
      await page.context().close();
    });
  });

  describe('operators', () => {
    test('behavior: the switch leads to another publisher, the books tell a difference', async () => {
      const page = await asOperator('/p/gazette');
      await page.getByRole('combobox', { name: 'Publisher' }).click();
      await page.getByRole('option', { name: 'quiet' }).click();
      await expect.poll(() => page.url(), soon).toBe(`${shown.fixture.url}/p/quiet`);
      await page.getByRole('link', { name: 'Books' }).click();
      await page.getByText('The books differ.').waitFor();
      expect(await words(page)).toContain('unreadable');
      await page.context().close();
    });

    test('behavior: gas is shown to operators only', async () => {
      const page = await asOperator('/p/gazette/settlements/bat_3_17');
      await page.getByText('0.00021234 ETH').waitFor();
      await page.context().close();
      const own = await asPublisher('/p/gazette/settlements/bat_3_17');
      await own.getByRole('heading', { name: 'Charges (8)' }).waitFor();
      expect(await words(own)).not.toContain('Gas');
      expect(await own.getByRole('link', { name: 'Books' }).count()).toBe(0);
      await own.context().close();
    });
  });

  describe('price book', () => {
    async function editing(): Promise<Page> {
      const page = await asPublisher('/p/gazette/price-book');
      await page.getByRole('button', { name: 'Edit' }).click();
      return page;
    }
    async function replaceIt(page: Page): Promise<void> {
      await page.getByRole('button', { name: 'Replace', exact: true }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Replace it' }).click();
    }

    test('behavior: a wrong price is told at its field; a right one is asked about, then put', async () => {
      const page = await editing();
      const price = page.getByLabel('Price of one page').last();
      await price.fill('USD 0.0000001');
      await page.getByText('Write it like USD 0.001, with at most 6 decimals.').waitFor();
      expect(await page.getByRole('button', { name: 'Replace', exact: true }).isDisabled()).toBe(
        true,
      );
      await price.fill('USD 0.002');
      await page.getByRole('button', { name: 'Replace', exact: true }).click();
      const dialog = page.getByRole('dialog', { name: 'Replace version 7?' });
      await dialog.getByText('Changed: ai-agents').waitFor();
      await page.keyboard.press('Enter');
      await page.getByText('Version 8 is written and takes effect now.').waitFor();
      expect(shown.fixture.puts.at(-1)).toMatchObject({
        expectedVersion: 7,
        priceBook: { rules: { 3: { id: 'ai-agents', price: 'USD 0.002' } } },
      });
      await page.context().close();
    });

    test('error: price_book_invalid', async () => {
      const page = await editing();
      await page.getByLabel('Path').first().fill('/mistake');
      await replaceIt(page);
      await page.getByText('Not a path pattern', { exact: true }).waitFor();
      await page.context().close();
    });

    test('error: price_book_conflict', async () => {
      const page = await editing();
      await page.getByLabel('Path').first().fill('/conflict');
      await replaceIt(page);
      await page.getByText('The newest version is 8, not 7.').waitFor();
      await page.getByRole('button', { name: /Load the newest version/ }).click();
      await expect
        .poll(() => page.getByLabel('Path').first().inputValue(), soon)
        .toBe('/robots.txt');
      await page.context().close();
    });
  });

  const everyPage: readonly (readonly [string, string])[] = [
    ['', 'Latest crawls'],
    ['?range=today', '36.6 % of challenges'],
    ['/crawls', 'GPTBot'],
    ['/crawls/crl_51a2c001', 'Charge settled'],
    ['/settlements', 'Confirmed'],
    ['/settlements/bat_3_17', 'Batch confirmed'],
    ['/price-book', 'in force'],
    ['/reconciliation', 'The books differ.'],
  ];

  describe.each(['light', 'dark'] as const)('in %s colours', (scheme) => {
    test.each(everyPage)('behavior: %s fits a phone, can be read and told', async (path, sign) => {
      const visit = { path: `/p/gazette${path}`, token: operatorToken, scheme, width: phonePx };
      const page = await shown.open(visit);
      await page.getByText(sign).first().waitFor();
      expect(await page.locator('html').getAttribute('data-mantine-color-scheme')).toBe(scheme);
      expect(await sidewaysPx(page)).toBe(0);
      expect(await faintWords(page)).toEqual([]);
      expect(await namelessControls(page)).toEqual([]);
      await page.context().close();
    });
  });

  test('behavior: the colours can be switched and stay so', async () => {
    const page = await asPublisher('/p/gazette/settlements');
    await page.getByRole('button', { name: 'Dark colours' }).click();
    await page.reload();
    await page.getByRole('button', { name: 'Light colours' }).waitFor();
    const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    expect(ground).toBe('rgb(19, 25, 22)');
    await page.context().close();
  });

  test('behavior: nothing jumps when the figures come', async () => {
    for (const width of [1280, phonePx]) {
      const page = await shown.open({ path: '/p/gazette', token: publisherToken, width });
      await page.locator('.recharts-bar-rectangle').first().waitFor();
      expect(await layoutShift(page)).toBeLessThan(0.05);
      await page.context().close();
    }
  });

  test('behavior: a keyboard skips to the page first', async () => {
    const page = await asPublisher('/p/gazette');
    await page.getByTestId('charged-today').waitFor();
    await page.keyboard.press('Tab');
    expect(await page.locator(':focus').textContent()).toBe('Skip to the page');
    await page.keyboard.press('Enter');
    expect(await page.locator(':focus').getAttribute('id')).toBe('page');
    await page.context().close();
  });

  test('behavior: no page threw, and none asked anyone but its own origin', () => {
    expect(shown.complaints).toEqual([]);
  });
});
