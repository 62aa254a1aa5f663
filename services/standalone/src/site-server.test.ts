import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { buildSite, startSite } from './site-server.js';

const directory = fileURLToPath(new URL('../site', import.meta.url));
const streamedBytesMin = 256 * 1024;

function site() {
  const app = buildSite(directory);
  onTestFinished(() => app.close());
  return app;
}

const pages = readdirSync(directory, { recursive: true, encoding: 'utf8' })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => path.endsWith('.html') && path !== '404.html');

test('behavior: a few dozen documents, two of them long enough to be streamed', () => {
  const documents = pages.filter((path) => /^(articles|guides|reference|documents)\//.test(path));
  expect(documents.length).toBeGreaterThanOrEqual(36);
  const long = documents.filter(
    (path) => readFileSync(join(directory, path)).length > streamedBytesMin,
  );
  expect(long.length).toBeGreaterThanOrEqual(2);
});

test('behavior: every document is linked from the index and named in LICENSES.md', () => {
  const index = readFileSync(join(directory, 'index.html'), 'utf8');
  const licences = readFileSync(join(directory, 'LICENSES.md'), 'utf8');
  for (const path of pages.filter((one) => /^(articles|guides|reference|documents)\//.test(one))) {
    expect(index).toContain(`href="/${path}"`);
    expect(licences).toContain(`\`${path}\``);
    expect(readFileSync(join(directory, path), 'utf8')).toContain('Licence: ');
  }
});

test('behavior: every link of every page leads somewhere', async () => {
  const app = site();
  const links = new Set(
    pages.flatMap((path) =>
      [...readFileSync(join(directory, path), 'utf8').matchAll(/href="(\/[^"#]*)"/g)].map(
        ([, href]) => href as string,
      ),
    ),
  );
  for (const link of links) {
    const { statusCode } = await app.inject(link);
    expect([link, statusCode < 400]).toEqual([link, true]);
  }
});

test('behavior: HEAD, conditional and range requests', async () => {
  const app = site();
  const url = '/articles/when-to-use.html';
  const full = await app.inject(url);
  expect(full.headers).toMatchObject({
    'content-type': 'text/html; charset=utf-8',
    'accept-ranges': 'bytes',
    etag: expect.any(String),
    'last-modified': expect.any(String),
  });
  const head = await app.inject({ method: 'HEAD', url });
  expect([head.statusCode, head.body]).toEqual([200, '']);
  expect(head.headers['content-length']).toBe(full.headers['content-length']);
  const headers = { 'if-none-match': String(full.headers.etag) };
  expect((await app.inject({ url, headers })).statusCode).toBe(304);
  const part = await app.inject({ url, headers: { range: 'bytes=0-99' } });
  expect([part.statusCode, part.rawPayload.length]).toEqual([206, 100]);
  const beyond = await app.inject({ url, headers: { range: 'bytes=99999999-' } });
  expect(beyond.statusCode).toBe(416);
});

test('behavior: a free address leads to a paid one', async () => {
  const response = await site().inject('/latest');
  expect([response.statusCode, response.headers.location]).toEqual([
    302,
    '/articles/when-to-use.html',
  ]);
});

test('behavior: what is missing, a note or outside of the folder is the 404 page', async () => {
  const app = site();
  for (const url of [
    '/nowhere',
    '/_redirects',
    '/LICENSES.md',
    '/..%2fpackage.json',
    '/articles/',
  ]) {
    const response = await app.inject(url);
    expect([url, response.statusCode]).toEqual([url, 404]);
    expect(response.body).toContain('There is no such page');
  }
});

test('behavior: listens on a free port and closes', async () => {
  const running = await startSite({ directory });
  const robots = await fetch(`${running.origin}/robots.txt`);
  expect(await robots.text()).toContain('User-agent: *');
  await running.close();
  await expect(fetch(running.origin)).rejects.toThrow();
});
