import { createHash } from 'node:crypto';

/** A key of the state for what a bucket counts; the last one, as long as its time is the same. */
interface BucketKey {
  endMs: number;
  key: string;
  readonly hash: string;
}

type BucketKeys = Map<string, Map<string, Map<string, Map<string, BucketKey>>>>;

const keysKeptMax = 10_000;
const bucketKeys = new Map<string, { kept: number; readonly keys: BucketKeys }>();

/**
 * `prefix/<end, 14 digits>/<hash>`: in the order of their end, so that ended ones are found first.
 * Hashed, because crawlers choose paths and names and the store's keys are short ASCII. Remembered:
 * the same few are counted over and over, and what is the same string is found by its kept hash.
 */
export function bucketKey(
  prefix: string,
  endMs: number,
  publisher: string,
  ...of: readonly string[]
): string {
  const [first = '', second = '', third = ''] = of;
  const known = bucketKeys.get(prefix) ?? { kept: 0, keys: new Map() };
  if (known.kept === 0) bucketKeys.set(prefix, known);
  const last = inner(inner(inner(known.keys, publisher), first), second);
  const found = last.get(third);
  if (found?.endMs === endMs) return found.key;
  const hash = found?.hash ?? hashOf([publisher, ...of].join('\n'));
  const key = `${prefix}/${endingKey(endMs)}/${hash}`;
  if (found !== undefined) {
    found.endMs = endMs;
    found.key = key;
    return key;
  }
  last.set(third, { endMs, key, hash });
  known.kept += 1;
  if (known.kept >= keysKeptMax) bucketKeys.delete(prefix);
  return key;
}

/** What stands under a key, made where nothing does. */
export function inner<Value>(
  outer: Map<string, Map<string, Value>>,
  key: string,
): Map<string, Value> {
  const known = outer.get(key);
  if (known !== undefined) return known;
  const made = new Map<string, Value>();
  outer.set(key, made);
  return made;
}

function hashOf(identity: string): string {
  return createHash('sha256').update(identity).digest('base64url').slice(0, 24);
}

export function endingKey(endMs: number): string {
  return String(endMs).padStart(14, '0');
}
