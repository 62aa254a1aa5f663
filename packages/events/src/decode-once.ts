import { type Decoded, decodeEvent, type EventType } from './event.js';

/**
 * Folds of one process read the same records one shortly after the other. More than this would
 * save no decoding, and all of it would be moved by the collector.
 */
const rememberedMax = 512;

/** Of a type that only one fold reads, one in so many: another fold may begin to read it. */
const sampleEvery = 16;

const place = Symbol('place');

/** Bytes that know where their event is remembered. */
type Bytes = Buffer & { [place]?: number };

interface Remembered {
  readonly bytes: Bytes;
  readonly decoded: Decoded;
}

const remembered: Remembered[] = [];
let next = 0;
/** How many of a type were decoded since one of them was asked for again. */
const unasked = new Map<EventType, number>();

/**
 * As `decodeEvent`, once for bytes that several read: an event is a value that nobody changes. For
 * bytes that nobody changes either, as those of a log.
 */
export function decodeOnce(bytes: Bytes): Decoded {
  const known = remembered[bytes[place] ?? rememberedMax];
  if (known?.bytes === bytes) {
    if (known.decoded.kind === 'event') unasked.set(known.decoded.event.type, 0);
    return known.decoded;
  }
  const decoded = decodeEvent(bytes);
  if (decoded.kind === 'event' && !isAskedAgain(decoded.event.type)) return decoded;
  bytes[place] = next;
  remembered[next] = { bytes, decoded };
  next = (next + 1) % rememberedMax;
  return decoded;
}

/** Whether one that is decoded now may be asked for again, as those before it were. */
function isAskedAgain(type: EventType): boolean {
  const count = (unasked.get(type) ?? 0) + 1;
  unasked.set(type, count);
  return count <= rememberedMax || count % sampleEvery === 0;
}
