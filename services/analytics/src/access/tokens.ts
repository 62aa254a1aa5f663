import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fail } from '@paycrawl/errors/paycrawl-error';
import { randomSecret, readOrCreateSecret } from '@paycrawl/service-kit/secrets';
import { type Static, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';

/** Who a bearer token stands for. */
export type Principal =
  | { readonly role: 'operator'; readonly publisher: null }
  | { readonly role: 'publisher'; readonly publisher: string };

const Sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' });

/** `tokens.json`: hashes only, so that the file and its backups open nothing. */
const TokenFile = Type.Object({
  tokens: Type.Array(
    Type.Union([
      Type.Object({ sha256: Sha256, role: Type.Literal('operator') }),
      Type.Object({
        sha256: Sha256,
        role: Type.Literal('publisher'),
        publisher: Type.String({ minLength: 1 }),
      }),
    ]),
  ),
});
type TokenFile = Static<typeof TokenFile>;

export interface TokenBook {
  /** Undefined: no token, or one that is not known. */
  principalOf(authorization: string | undefined): Principal | undefined;
}

const fileName = 'tokens.json';

export function loadTokens(secretsDirectory: string): TokenBook {
  return createTokenBook(readTokenFile(join(secretsDirectory, fileName)));
}

export function createTokenBook({ tokens }: TokenFile): TokenBook {
  const entries = tokens.map((entry) => ({
    digest: Buffer.from(entry.sha256, 'hex'),
    principal: principalFor(entry),
  }));
  return {
    principalOf(authorization) {
      const token = /^Bearer ([\x21-\x7e]{1,200})$/i.exec(authorization ?? '')?.[1];
      if (token === undefined) return undefined;
      const digest = createHash('sha256').update(token).digest();
      let found: Principal | undefined;
      // All of them, always: the time tells nothing about which one, or how much of it, matched.
      for (const entry of entries) {
        if (timingSafeEqual(entry.digest, digest)) found = entry.principal;
      }
      return found;
    },
  };
}

function principalFor(entry: TokenFile['tokens'][number]): Principal {
  return entry.role === 'operator'
    ? { role: 'operator', publisher: null }
    : { role: 'publisher', publisher: entry.publisher };
}

export interface EmbeddedTokens {
  readonly operator: string;
  readonly publishers: Readonly<Record<string, string>>;
}

/**
 * For the embedded platform: tokens that follow from a secret seed, so that they are the same
 * after every start, and their hashes in `tokens.json`. Entries that people added stay.
 */
export async function ensureTokens(
  secretsDirectory: string,
  publishers: readonly string[],
): Promise<EmbeddedTokens> {
  const seed = await readOrCreateSecret(join(secretsDirectory, 'token-seed'), randomSecret);
  const tokenOf = (who: string) =>
    `pct_${createHmac('sha256', seed).update(who).digest('base64url')}`;
  const operator = tokenOf('operator');
  const own = publishers.map((id) => [id, tokenOf(`publisher/${id}`)] as const);
  const path = join(secretsDirectory, fileName);
  const wanted: TokenFile['tokens'] = [
    { sha256: sha256(operator), role: 'operator' },
    ...own.map(([publisher, token]) => ({
      ...{ sha256: sha256(token), role: 'publisher' as const, publisher },
    })),
  ];
  const present = readTokenFileIfAny(path)?.tokens ?? [];
  const known = new Set(present.map((entry) => entry.sha256));
  const tokens = [...present, ...wanted.filter((entry) => !known.has(entry.sha256))];
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, `${JSON.stringify({ tokens }, null, 2)}\n`, { mode: 0o600 });
  renameSync(temporary, path);
  return { operator, publishers: Object.fromEntries(own) };
}

function sha256(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

function readTokenFileIfAny(path: string): TokenFile | undefined {
  try {
    return readTokenFile(path);
  } catch (error) {
    const { cause } = error as { cause?: NodeJS.ErrnoException };
    if (cause?.code === 'ENOENT') return undefined;
    throw error;
  }
}

function readTokenFile(path: string): TokenFile {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw fail('secret_unreadable', `${fileName} cannot be read`, { cause, context: { path } });
  }
  if (Value.Check(TokenFile, value)) return value;
  throw fail('secret_unreadable', `${fileName} has not the right form`, { context: { path } });
}
