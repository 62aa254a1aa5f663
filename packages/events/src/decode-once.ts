import { type AnyEvent, type Decoded, decodeEvent, type EventType } from './event.js';

/**
 * Folds of one process read the same records one shortly after the other: charts come 100 ms later
 * than books, and a busy machine writes and reads about 20 a millisecond. More than this would save
 * no decoding, and all of it would be moved by the collector.
 */
const rememberedMax = 4_096;

/** So many of a type may go unasked before only samples of it are kept. */
const unaskedMax = 512;

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
  if (decoded.kind !== 'event' || isAskedAgain(decoded.event.type)) remember(bytes, decoded);
  return decoded;
}

/**
 * From who just encoded it to those who will read the bytes in this process. Only for events that
 * are what decoding gives: a field is absent and never undefined.
 */
export function handOver(bytes: Buffer, event: AnyEvent): void {
  if (isAskedAgain(event.type)) remember(bytes, { kind: 'event', event });
}

function remember(bytes: Bytes, decoded: Decoded): void {
  bytes[place] = next;
  remembered[next] = { bytes, decoded };
  next = (next + 1) % rememberedMax;
}

/** Whether one that is decoded now may be asked for again, as those before it were. */
function isAskedAgain(type: EventType): boolean {
  const count = (unasked.get(type) ?? 0) + 1;
  unasked.set(type, count);
  return count <= unaskedMax || count % sampleEvery === 0;
}
