import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import {
  type ConsoleFixture,
  operatorToken,
  publisherToken,
  startConsoleFixture,
} from '../console.fixture.js';
import type { Live } from './answers.js';
import { ApiError, isRetryable, nextStepOf } from './api-error.js';
import * as Api from './paycrawl-api.js';
import { withQuery } from './request.js';

let fixture: ConsoleFixture;
let root: string;
const own = { token: publisherToken };
const operator = { token: operatorToken };

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'console-api-'));
  fixture = await startConsoleFixture(root);
});
afterAll(async () => {
  await fixture.close();
  await rm(root, { recursive: true });
});
beforeEach(() => {
  const overHttp = globalThis.fetch;
  // A page's paths are relative to its origin; Node has no origin.
  vi.stubGlobal('fetch', (path: string, init: RequestInit) =>
    overHttp(new URL(path, fixture.url), init),
  );
});
afterEach(() => {
  vi.unstubAllGlobals();
});

async function problemOf(asked: Promise<unknown>): Promise<ApiError> {
  const outcome = await asked.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(ApiError);
  return outcome instanceof ApiError ? outcome : Promise.reject(outcome);
}

test('behavior: a publisher reads its session and its revenue', async () => {
  expect(await Api.readSession(own)).toMatchObject({ role: 'publisher', publisher: 'gazette' });
  const revenue = await Api.readRevenue(own, 'gazette', 'crawler', { from: '2026-01-01' });
  expect(revenue.rows[0]?.key).toBe('GPTBot');
});

test('behavior: a cursor leads to the next page and the last page says so', async () => {
  const first = await Api.readCrawls(own, 'gazette', {});
  const second = await Api.readCrawls(own, 'gazette', {}, first.next ?? undefined);
  expect([first.crawls.length, second.crawls.length, second.next]).toEqual([50, 12, null]);
});

test('error: forbidden', async () => {
  const problem = await problemOf(Api.readCrawls(own, 'quiet', {}));
  expect([problem.status, problem.code]).toEqual([403, 'forbidden']);
  expect(problem.detail).toBe('This token belongs to another publisher.');
  expect(isRetryable(problem)).toBe(false);
});

test('error: token_invalid', async () => {
  const problem = await problemOf(Api.readSession({ token: 'wrong' }));
  expect(problem.status).toBe(401);
  expect(nextStepOf(problem)).toContain('Sign in again');
});

test('error: warehouse_locked', async () => {
  const problem = await problemOf(
    Api.readRevenue(operator, 'broken', 'day', { from: '2026-01-01' }),
  );
  expect(problem.code).toBe('warehouse_locked');
  expect(isRetryable(problem)).toBe(true);
});

test('error: console_answer_unexpected', async () => {
  const problem = await problemOf(
    Api.readRevenue(operator, 'garbled', 'day', { from: '2026-01-01' }),
  );
  expect(problem.detail).toMatch(/^answer\.\w+ is not/);
  const stream = await problemOf(Api.followRevenue(operator, 'garbled', () => undefined));
  expect(stream.detail).toBe('the answer is no event stream');
});

test('error: console_unreachable', async () => {
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('fetch failed')));
  const problem = await problemOf(Api.readSession(own));
  expect([problem.code, isRetryable(problem)]).toEqual(['console_unreachable', true]);
});

test('behavior: live figures arrive as they change, and an abort ends the stream', async () => {
  const abort = new AbortController();
  const heard: Live[] = [];
  const second = resolvers();
  const stream = Api.followRevenue({ ...own, signal: abort.signal }, 'gazette', (live) => {
    heard.push(live);
    if (heard.length === 1) fixture.pushLive('1999999');
    else second.resolve(undefined);
  });
  await second.promise;
  abort.abort();
  await expect(stream).rejects.toThrow();
  expect(heard.map((live) => live.today.charged[0]?.amount)).toEqual(['1284700', '1999999']);
});

test('behavior: a price book is put with the version that it replaces', async () => {
  const answer = await Api.replacePriceBook(own, 'gazette', 7, { rules: [] });
  expect(answer.version).toBe(8);
  expect(fixture.puts.at(-1)).toEqual({ expectedVersion: 7, priceBook: { rules: [] } });
});

test('behavior: queries leave out what is not given and encode what is', () => {
  expect(withQuery('/v1/x', { a: undefined, b: '' })).toBe('/v1/x');
  expect(withQuery('/v1/x', { path: '/ä?&', a: '1' })).toBe('/v1/x?path=%2F%C3%A4%3F%26&a=1');
});

function resolvers() {
  let resolve: (value: undefined) => void = () => undefined;
  const promise = new Promise<undefined>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
