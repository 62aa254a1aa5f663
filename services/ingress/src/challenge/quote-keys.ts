import { randomBytes } from 'node:crypto';
import type { QuoteKey } from '@paycrawl/crypto/quote-mac';
import { fail } from '@paycrawl/errors/paycrawl-error';
import { readOrCreateSecret, type SecretOptions } from '@paycrawl/service-kit/secrets';
import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';

/** quote-keys.json: the first key signs, all of them verify; put a new one in front to rotate. */
const QuoteKeys = Type.Object({
  keys: Type.Array(
    Type.Object({
      id: Type.String({ pattern: '^[A-Za-z0-9_-]{1,16}$' }),
      secret: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    }),
    { minItems: 1, maxItems: 8 },
  ),
});

export const quoteKeysFile = 'quote-keys.json';

/** Reads the keys, or makes the first one: a file with mode 0600, outside of the log. */
export async function readQuoteKeys(
  path: string,
  options: SecretOptions = {},
): Promise<readonly QuoteKey[]> {
  const text = await readOrCreateSecret(path, makeQuoteKeys, options);
  return parseQuoteKeys(text);
}

function makeQuoteKeys(): string {
  const secret = randomBytes(32).toString('hex');
  return JSON.stringify({ keys: [{ id: randomBytes(4).toString('base64url'), secret }] });
}

export function parseQuoteKeys(text: string): readonly QuoteKey[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw fail('config_invalid', `${quoteKeysFile} is not JSON.`, { cause });
  }
  if (!Value.Check(QuoteKeys, value)) {
    throw fail('config_invalid', `${quoteKeysFile} lacks keys of 32 bytes in hex with an id.`);
  }
  return value.keys.map(({ id, secret }) => ({ id, secret: Buffer.from(secret, 'hex') }));
}
