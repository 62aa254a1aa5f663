/**
 * Kafka's default partitioner: murmur2 over the UTF-8 bytes of the key, seed 0x9747b28c, made
 * positive by dropping the sign bit (org.apache.kafka.common.utils.Utils#murmur2, #toPositive).
 * Every adapter uses it, so a key stands in the same partition number wherever the log lives.
 */

const seed = 0x9747b28c;
const multiplier = 0x5bd1e995;
const shift = 24;

/** Keys are ASCII in practice; their char codes are their bytes and nothing is allocated. */
function murmur2Ascii(key: string): number | undefined {
  const length = key.length;
  let hash = seed ^ length;
  const whole = length & ~3;
  let seen = 0;
  let at = 0;
  for (; at < whole; at += 4) {
    const a = key.charCodeAt(at);
    const b = key.charCodeAt(at + 1);
    const c = key.charCodeAt(at + 2);
    const d = key.charCodeAt(at + 3);
    seen |= a | b | c | d;
    hash = mix(hash, a | (b << 8) | (c << 16) | (d << 24));
  }
  let tail = 0;
  for (let byte = 0; at < length; at += 1, byte += 8) {
    const code = key.charCodeAt(at);
    seen |= code;
    tail |= code << byte;
  }
  if (seen > 0x7f) return undefined;
  return finish(hash, tail, length & 3);
}

/** The signed 32-bit hash that Kafka's Java client computes. */
export function murmur2(bytes: Uint8Array): number {
  const length = bytes.length;
  let hash = seed ^ length;
  const whole = length & ~3;
  let at = 0;
  for (; at < whole; at += 4) hash = mix(hash, wordAt(bytes, at));
  let tail = 0;
  for (let byte = 0; at < length; at += 1, byte += 8) tail |= (bytes[at] ?? 0) << byte;
  return finish(hash, tail, length & 3);
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] ?? 0) |
    ((bytes[at + 1] ?? 0) << 8) |
    ((bytes[at + 2] ?? 0) << 16) |
    ((bytes[at + 3] ?? 0) << 24)
  );
}

function mix(hash: number, word: number): number {
  let k = Math.imul(word, multiplier);
  k ^= k >>> shift;
  k = Math.imul(k, multiplier);
  return Math.imul(hash, multiplier) ^ k;
}

function finish(hash: number, tail: number, tailBytes: number): number {
  let h = tailBytes > 0 ? Math.imul(hash ^ tail, multiplier) : hash;
  h ^= h >>> 13;
  h = Math.imul(h, multiplier);
  return (h ^ (h >>> 15)) | 0;
}

/** The partition of a key: a number from 0 to partitions − 1, the same as Kafka's own clients'. */
export function partitionForKey(key: string, partitions: number): number {
  const hash = murmur2Ascii(key) ?? murmur2(Buffer.from(key, 'utf8'));
  return (hash & 0x7fffffff) % partitions;
}
