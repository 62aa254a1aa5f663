import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { build } from 'vite';
import { type ConsoleFixture, startConsoleFixture } from './console.fixture.js';

const chromiumPaths = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** Undefined where no Chromium is installed: the test says so and skips. */
export const chromiumPath = chromiumPaths.find((path) => existsSync(path));

const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export interface ConsoleInBrowser {
  readonly fixture: ConsoleFixture;
  readonly open: (visit: Visit) => Promise<Page>;
  /** What pages complained about since they were opened: defects, and requests to elsewhere. */
  readonly complaints: readonly string[];
  readonly close: () => Promise<void>;
}

export interface Visit {
  readonly path: string;
  readonly token?: string;
  readonly scheme?: 'light' | 'dark';
  readonly width?: number;
}

/**
 * Builds the console as it is now into a folder of its own, so that a test neither sees an old
 * build nor disturbs another one, and serves it to a fresh browser profile.
 */
export async function startConsoleInBrowser(executablePath: string): Promise<ConsoleInBrowser> {
  const folder = await mkdtemp(join(tmpdir(), 'console-browser-'));
  const root = fileURLToPath(new URL('..', import.meta.url));
  const outDir = join(folder, 'dist');
  await build({ root, logLevel: 'error', build: { outDir, emptyOutDir: true } });
  const fixture = await startConsoleFixture(outDir);
  const browser = await chromium.launch({ executablePath, args: flags });
  const complaints: string[] = [];
  return {
    fixture,
    complaints,
    open: (visit) => openPage(browser, fixture.url, visit, complaints),
    close: async () => {
      await browser.close();
      await fixture.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** Runs in the page before anything of it, so that no shift is missed. */
function sumLayoutShifts(): void {
  let sum = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const value: unknown = Reflect.get(entry, 'value');
      if (typeof value === 'number') sum += value;
    }
    Reflect.set(globalThis, 'layoutShift', sum);
  }).observe({ type: 'layout-shift', buffered: true });
  Reflect.set(globalThis, 'layoutShift', 0);
}

async function openPage(
  browser: Browser,
  origin: string,
  visit: Visit,
  complaints: string[],
): Promise<Page> {
  const { path, token, scheme = 'light', width = 1280 } = visit;
  const context = await browser.newContext({
    viewport: { width, height: 844 },
    colorScheme: scheme,
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  page.on('pageerror', (error) => complaints.push(`${path}: ${error.message}`));
  page.on('console', (message) => {
    if (message.text().includes('Content Security')) complaints.push(message.text());
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(origin)) complaints.push(`${path} asks ${request.url()}`);
  });
  if (token !== undefined) {
    await page.addInitScript((kept) => sessionStorage.setItem('paycrawl.token', kept), token);
  }
  await page.addInitScript(sumLayoutShifts);
  await page.goto(origin + path);
  return page;
}
