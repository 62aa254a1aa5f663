import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PaycrawlError } from '@paycrawl/errors/paycrawl-error';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseQuoteKeys, quoteKeysFile, readQuoteKeys } from './quote-keys.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'quote-keys-'));
});
afterEach(() => rm(directory, { recursive: true }));

test('behavior: a key is made once, for its owner only, and found again', async () => {
  const path = join(directory, 'secrets', quoteKeysFile);
  const [made] = await readQuoteKeys(path);
  expect(made?.secret).toHaveLength(32);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readQuoteKeys(path)).toEqual([made]);
});

test('behavior: several keys, the first of which signs', () => {
  const secret = 'ab'.repeat(32);
  const keys = [
    { id: 'new', secret },
    { id: 'old', secret },
  ];
  expect(parseQuoteKeys(JSON.stringify({ keys })).map(({ id }) => id)).toEqual(['new', 'old']);
});

test.each(['', '{}', '{"keys":[]}', '{"keys":[{"id":"a.b","secret":"00"}]}'])(
  'error: config_invalid for %j',
  (text) => {
    expect(() => parseQuoteKeys(text)).toThrow(PaycrawlError);
  },
);
