import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';

/** The golden files: one realistic event per type and version, as its record value. */
export interface Golden {
  readonly name: string;
  readonly value: Buffer;
}

const directory = new URL('../vectors/', import.meta.url);
const newline = 0x0a;

export function goldens(): Golden[] {
  return readdirSync(directory)
    .sort()
    .map((file) => {
      const bytes = readFileSync(new URL(file, directory));
      // Files of text end with a newline; the record value does not.
      const value = bytes.at(-1) === newline ? bytes.subarray(0, -1) : bytes;
      return { name: file.replace(/\.json$/, ''), value };
    });
}

/** Replaces one value somewhere in the tree. */
export function replaceAt(tree: unknown, path: readonly number[], value: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined || typeof tree !== 'object' || tree === null) return value;
  const keys = Object.keys(tree);
  const key = keys[step % Math.max(1, keys.length)];
  if (key === undefined) return value;
  const copy = Array.isArray(tree) ? [...tree] : { ...tree };
  const node = copy as Record<string, unknown>;
  node[key] = replaceAt(node[key], rest, value);
  return copy;
}

/** Golden records of which some end too early, with up to four bytes that are others. */
export const tornGolden: fc.Arbitrary<Buffer> = fc
  .tuple(
    fc.constantFrom(...goldens()),
    fc.nat(),
    fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
  )
  .map(([{ value }, end, edits]) => {
    const bytes = Buffer.from(value.subarray(0, end % 3 === 0 ? end % value.length : undefined));
    for (const [at, byte] of edits) bytes[at % Math.max(1, bytes.length)] = byte;
    return bytes;
  });
