/** Values are written side by side: a buffer for each by itself costs more than its text. */
const slabBytes = 64 * 1024;

let slab = Buffer.allocUnsafeSlow(0);
let used = 0;

/** The bytes of a text that is ASCII; a view of a larger buffer, as those of `Buffer.from` are. */
export function asciiBytes(text: string): Buffer {
  const { length } = text;
  if (length > slabBytes / 2) return Buffer.from(text, 'latin1');
  if (used + length > slab.length) {
    slab = Buffer.allocUnsafeSlow(slabBytes);
    used = 0;
  }
  slab.write(text, used, 'latin1');
  const bytes = slab.subarray(used, used + length);
  used += length;
  return bytes;
}
