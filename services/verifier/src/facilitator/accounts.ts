import { createHash, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fail } from '@paycrawl/errors/paycrawl-error';
import { Type } from '@sinclair/typebox';
import { TypeCompiler } from '@sinclair/typebox/compiler';

/** API keys of the facilitator: each is bound to a ledger account, which bears the gas. */

const KeyFile = TypeCompiler.Compile(
  Type.Object({
    keys: Type.Array(
      Type.Object({
        account: Type.String({ pattern: '^[a-z0-9][a-z0-9_-]{0,63}$' }),
        /** SHA-256 of the key, hex: the key itself is with its owner alone. */
        sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
      }),
      { maxItems: 10_000 },
    ),
  }),
);

/** Headers in which a key may come. */
export interface Credentials {
  readonly authorization?: string | undefined;
  readonly 'x-api-key'?: string | string[] | undefined;
}

export interface Accounts {
  /** The account of the request, or `token_invalid`. */
  accountOf(credentials: Credentials): string;
}

/** The account of whoever brings no key, where that is allowed. */
const openAccount = accountId('open');

export async function loadAccounts(path: string, isOpen: boolean): Promise<Accounts> {
  const keys = (await readKeys(path)).map(({ account, sha256 }) => ({
    account: accountId(account),
    hash: Buffer.from(sha256, 'hex'),
  }));
  return {
    accountOf: (credentials) => {
      const key = keyOf(credentials);
      if (key === undefined && isOpen) return openAccount;
      const hash = createHash('sha256')
        .update(key ?? '')
        .digest();
      let found: string | undefined;
      // All are compared, whichever fits: the time tells nothing.
      for (const known of keys) if (timingSafeEqual(known.hash, hash)) found = known.account;
      if (key === undefined || found === undefined) {
        throw fail('token_invalid', 'Send a valid API key as a bearer token.');
      }
      return found;
    },
  };
}

/** Never the id of a publisher. */
function accountId(name: string): string {
  return `facilitator:${name}`;
}

function keyOf(headers: Credentials): string | undefined {
  const bearer = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  const plain = headers['x-api-key'];
  if (headers.authorization !== undefined) return bearer ?? '';
  return typeof plain === 'string' ? plain : undefined;
}

async function readKeys(path: string): Promise<{ account: string; sha256: string }[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw fail('secret_unreadable', 'The file of API keys cannot be read.', { cause: error });
  }
  const file = parsed(text);
  if (KeyFile.Check(file)) return file.keys;
  throw fail('secret_unreadable', 'The file of API keys is malformed.', { context: { path } });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
