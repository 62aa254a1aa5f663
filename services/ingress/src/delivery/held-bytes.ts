/** Pages are held side by side: a buffer for each by itself costs more than to copy most of them. */
const slabBytes = 64 * 1024;

let slab = Buffer.allocUnsafeSlow(0);
let used = 0;

/** A copy of bytes that are about to be overwritten. */
export function heldBytes(bytes: Buffer): Buffer {
  const { length } = bytes;
  if (length > slabBytes / 4) return Buffer.from(bytes);
  if (used + length > slab.length) {
    slab = Buffer.allocUnsafeSlow(slabBytes);
    used = 0;
  }
  const held = slab.subarray(used, used + length);
  held.set(bytes);
  used += length;
  return held;
}
