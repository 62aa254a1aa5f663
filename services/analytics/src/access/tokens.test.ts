import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasCode } from '@paycrawl/errors/paycrawl-error';
import { afterAll, describe, expect, test } from 'vitest';
import { ensureTokens, loadTokens } from './tokens.js';

const directory = mkdtempSync(join(tmpdir(), 'paycrawl-tokens-'));
const path = join(directory, 'tokens.json');
afterAll(() => rmSync(directory, { recursive: true }));

describe('tokens', () => {
  test('behavior: the same after every start, hashed in a file for its owner only', async () => {
    const first = await ensureTokens(directory, ['pub-1']);
    const second = await ensureTokens(directory, ['pub-1', 'pub-2']);
    expect(second.operator).toBe(first.operator);
    expect(second.publishers['pub-1']).toBe(first.publishers['pub-1']);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const text = readFileSync(path, 'utf8');
    for (const token of [second.operator, ...Object.values(second.publishers)]) {
      expect(text).not.toContain(token);
    }
    const book = loadTokens(directory);
    expect(book.principalOf(`Bearer ${second.operator}`)).toEqual({
      ...{ role: 'operator', publisher: null },
    });
    expect(book.principalOf(`bearer ${second.publishers['pub-2']}`)).toEqual({
      ...{ role: 'publisher', publisher: 'pub-2' },
    });
  });

  test('behavior: entries that people added stay', async () => {
    const added = { sha256: 'ab'.repeat(32), role: 'publisher', publisher: 'pub-9' };
    const { tokens } = JSON.parse(readFileSync(path, 'utf8'));
    writeFileSync(path, JSON.stringify({ tokens: [...tokens, added] }));
    await ensureTokens(directory, ['pub-1']);
    expect(JSON.parse(readFileSync(path, 'utf8')).tokens).toContainEqual(added);
  });

  test('behavior: anything else is nobody', async () => {
    const { operator } = await ensureTokens(directory, []);
    const book = loadTokens(directory);
    const others = [undefined, '', operator, `Bearer  ${operator}`, `Bearer ${operator}\n`];
    for (const header of [...others, `Bearer ${operator.slice(0, -1)}`, 'Bearer ']) {
      expect(book.principalOf(header)).toBeUndefined();
    }
  });

  test('error: secret_unreadable', () => {
    for (const text of ['', '{}', '{"tokens":[{"sha256":"x","role":"operator"}]}']) {
      writeFileSync(path, text);
      const load = () => loadTokens(directory);
      expect(load).toThrow();
      try {
        load();
      } catch (error) {
        expect(hasCode(error, 'secret_unreadable')).toBe(true);
      }
    }
  });
});
