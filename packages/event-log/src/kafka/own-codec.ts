/** What our own codecs of requests share: Kafka's strings, arrays and numbers in one buffer. */

/** As the codecs of kafkajs give what they encoded. */
export interface Encoded {
  readonly buffer: Buffer;
}

export interface OwnCodec<Response> {
  encode(): Promise<Encoded>;
  decode(payload: Buffer): Promise<Response>;
}

export function encodedAs(buffer: Buffer): Promise<Encoded> {
  return Promise.resolve({ buffer });
}

export function stringBytes(text: string): number {
  return 2 + Buffer.byteLength(text);
}

/** Returns where it ends. */
export function writeString(bytes: Buffer, start: number, text: string): number {
  const written = bytes.write(text, start + 2);
  bytes.writeInt16BE(written, start);
  return start + 2 + written;
}

/** Goes through an answer from its beginning. */
export interface Reading {
  int16(): number;
  int32(): number;
  string(): string;
  array<Item>(item: () => Item): Item[];
  /** Goes on behind so many bytes; returns where they began. */
  skip(count: number): number;
}

export function createReading(payload: Buffer): Reading {
  let at = 0;
  const skip = (count: number): number => {
    const start = at;
    at += count;
    return start;
  };
  const int16 = () => payload.readInt16BE(skip(2));
  const int32 = () => payload.readInt32BE(skip(4));
  return {
    int16,
    int32,
    string() {
      const length = Math.max(0, int16());
      const start = skip(length);
      return payload.toString('utf8', start, start + length);
    },
    array(item) {
      const items: ReturnType<typeof item>[] = [];
      // A count of -1 is an array that is not there.
      for (let left = int32(); left > 0; left -= 1) items.push(item());
      return items;
    },
    skip,
  };
}
