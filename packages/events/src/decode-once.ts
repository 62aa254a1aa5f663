import { type Decoded, decodeEvent } from './event.js';

/**
 * Folds of one process read the same records one shortly after the other. More than this would
 * save no decoding, and all of it would be moved by the collector.
 */
const rememberedMax = 512;

const place = Symbol('place');

/** Bytes that know where their event is remembered. */
type Bytes = Buffer & { [place]?: number };

interface Remembered {
  readonly bytes: Bytes;
  readonly decoded: Decoded;
}

const remembered: Remembered[] = [];
let decodedCount = 0;

/**
 * As `decodeEvent`, once for bytes that several read: an event is a value that nobody changes. For
 * bytes that nobody changes either, as those of a log.
 */
export function decodeOnce(bytes: Bytes): Decoded {
  const known = remembered[bytes[place] ?? rememberedMax];
  if (known?.bytes === bytes) return known.decoded;
  const decoded = decodeEvent(bytes);
  bytes[place] = decodedCount % rememberedMax;
  remembered[bytes[place]] = { bytes, decoded };
  decodedCount = bytes[place] + 1;
  return decoded;
}
