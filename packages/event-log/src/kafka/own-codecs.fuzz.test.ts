import { createRequire } from 'node:module';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { crc32c } from './crc32c.js';
import { fetchCodec } from './fetch-codec.js';
import { produceCodec } from './produce-codec.js';
import type { FetchRequest, ProduceRequest } from './protocol.js';
import { readBatches, writeBatch } from './record-batch.js';

// kafkajs' codecs of the same versions are what ours are held against.
const kafkajs = createRequire(import.meta.url);
const theirCrc = kafkajs('kafkajs/src/protocol/recordBatch/crc32C/index.js') as (
  of: Buffer,
) => number;
const theirProduce = {
  encode: kafkajs('kafkajs/src/protocol/requests/produce/v7/request.js') as (request: object) => {
    encode(): Promise<{ buffer: Buffer }>;
  },
  response: kafkajs('kafkajs/src/protocol/requests/produce/v7/response.js') as Decoder,
};
const theirFetch = {
  encode: kafkajs('kafkajs/src/protocol/requests/fetch/v11/request.js') as (request: object) => {
    encode(): Promise<{ buffer: Buffer }>;
  },
  response: kafkajs('kafkajs/src/protocol/requests/fetch/v11/response.js') as Decoder,
};

interface Decoder {
  decode(payload: Buffer): Promise<{
    responses: {
      partitions: {
        messages: { offset: string; timestamp: string; key: Buffer; value: Buffer }[];
      }[];
    }[];
    topics: { partitions: Record<string, unknown>[] }[];
  }>;
}

const bytes = (maxLength: number) =>
  fc.uint8Array({ maxLength, size: 'max' }).map((array) => Buffer.from(array));
const records = fc.array(
  fc.record({ key: fc.string({ unit: 'binary', maxLength: 70 }), value: bytes(300) }),
  { minLength: 1, maxLength: 80 },
);
const partition = fc.record({
  partition: fc.nat(9_999),
  firstSequence: fc.nat(2 ** 31 - 1),
  messages: records,
});
const produceRequests = fc.record({
  acks: fc.constantFrom<-1 | 1>(-1, 1),
  timeout: fc.nat(60_000),
  producerId: fc.bigInt({ min: 0n, max: 2n ** 62n }).map(String),
  producerEpoch: fc.nat(32_767),
  compression: fc.constant<0>(0),
  topicData: fc.array(
    fc.record({
      topic: fc.stringMatching(/^[a-z.-]{1,40}$/),
      partitions: fc.array(partition, { minLength: 1, maxLength: 3 }),
    }),
    { minLength: 1, maxLength: 3 },
  ),
});

/** The times of the two encodings may be a millisecond apart, and the checksums with them. */
const headBytes = 61;

function withoutTimes(payload: Buffer, request: ProduceRequest): Buffer {
  const copy = Buffer.from(payload);
  let at = 12;
  for (const { topic, partitions } of request.topicData) {
    at += 2 + topic.length + 4;
    for (const _ of partitions) {
      const end = at + 8 + copy.readInt32BE(at + 4);
      const batch = at + 8;
      expect(copy.readUInt32BE(batch + 17)).toBe(theirCrc(copy.subarray(batch + 21, end)));
      copy.fill(0, batch + 17, batch + 21);
      copy.fill(0, batch + 27, batch + 43);
      at = end;
    }
  }
  return copy;
}

describe('codecs of records', () => {
  test('property: the checksum is that of kafkajs', () => {
    expect(crc32c(Buffer.from('123456789'), 0, 9)).toBe(0xe3069283);
    fc.assert(
      fc.property(bytes(5_000), fc.nat(20), (all, cut) => {
        const from = Math.min(cut, all.length);
        expect(crc32c(all, from, all.length)).toBe(theirCrc(all.subarray(from)));
      }),
    );
  });

  test('property: a produce request is that of kafkajs, byte for byte', async () => {
    await fc.assert(
      fc.asyncProperty(produceRequests, async (request) => {
        const ours = await produceCodec(request).encode();
        const theirs = await theirProduce.encode(request).encode();
        expect(
          withoutTimes(ours.buffer, request).equals(withoutTimes(theirs.buffer, request)),
        ).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test('property: a fetch request is that of kafkajs, byte for byte', async () => {
    const requests = fc.record({
      maxWaitTime: fc.nat(60_000),
      minBytes: fc.nat(9_999),
      maxBytes: fc.nat(2 ** 30),
      isolationLevel: fc.constant<0>(0),
      topics: fc.array(
        fc.record({
          topic: fc.stringMatching(/^[a-z.-]{1,40}$/),
          partitions: fc.array(
            fc.record({
              partition: fc.nat(9_999),
              fetchOffset: fc.maxSafeNat(),
              maxBytes: fc.nat(2 ** 30),
            }),
          ),
        }),
      ),
    });
    await fc.assert(
      fc.asyncProperty(requests, async (request: FetchRequest) => {
        const ours = await fetchCodec(request).encode();
        const theirs = await theirFetch.encode({ ...request, replicaId: -1 }).encode();
        expect(ours.buffer.toString('hex')).toBe(theirs.buffer.toString('hex'));
      }),
    );
  });

  const magicEndsAt = 17;

  test('property: batches that were fetched are read as kafkajs reads them', async () => {
    const batches = fc.array(
      fc.record({
        records,
        timestampMs: fc.integer({ min: 1, max: 2 ** 45 }),
        isAppendTime: fc.boolean(),
      }),
      { minLength: 1, maxLength: 4 },
    );
    await fc.assert(
      fc.asyncProperty(batches, fc.nat(2 ** 40), fc.nat(200), async (all, base, cutBytes) => {
        const set = setOf(all, base);
        // As a fetch cuts the last batch at its bound; of fewer bytes kafkajs cannot read the magic.
        const kept = set.length - cutBytes;
        const cut = set.subarray(0, kept < magicEndsAt ? 0 : kept);
        const answer = answerOf('topic', 3, cut);
        const theirs = (await theirFetch.response.decode(answer)).responses[0]?.partitions[0];
        const ours = (await fetchCodec(requestFrom(base)).decode(answer)).responses[0];
        expect(ours?.topicName).toBe('topic');
        expect(ours?.partitions[0]?.records).toEqual(
          theirs?.messages.map(({ offset, timestamp, key, value }) => ({
            offset: Number(offset),
            timestampMs: Number(timestamp),
            key: key.toString('utf8'),
            value: Buffer.from(value),
          })),
        );
      }),
      { numRuns: 60 },
    );
  });

  test('property: nothing before the offset that was asked for', async () => {
    await fc.assert(
      fc.asyncProperty(records, fc.nat(100), async (some, skipped) => {
        const set = setOf([{ records: some, timestampMs: 1, isAppendTime: true }], 1_000);
        const { responses } = await fetchCodec(requestFrom(1_000 + skipped)).decode(
          answerOf('topic', 3, set),
        );
        const read = responses[0]?.partitions[0]?.records ?? [];
        expect(read.map(({ value }) => value)).toEqual(some.slice(skipped).map((one) => one.value));
      }),
    );
  });

  test('behavior: an acknowledgement is read as kafkajs reads it', async () => {
    const topic = Buffer.from('topic');
    const answer = Buffer.alloc(4 + 2 + topic.length + 4 + 30 + 4);
    answer.writeInt32BE(1, 0);
    answer.writeInt16BE(topic.length, 4);
    topic.copy(answer, 6);
    answer.writeInt32BE(1, 11);
    answer.writeInt32BE(7, 15);
    answer.writeInt16BE(45, 19);
    answer.writeBigInt64BE(2n ** 40n + 5n, 21);
    answer.writeBigInt64BE(-1n, 29);
    answer.writeInt32BE(250, 45);
    const request = { acks: -1, timeout: 1, compression: 0, topicData: [] } as const;
    const ours = await produceCodec(request).decode(answer);
    const theirs = await theirProduce.response.decode(answer);
    const their = theirs.topics[0]?.partitions[0];
    expect(ours).toEqual({
      topics: [
        {
          topicName: 'topic',
          partitions: [
            {
              partition: their?.partition,
              errorCode: their?.errorCode,
              baseOffset: Number(their?.baseOffset),
              logAppendTimeMs: Number(their?.logAppendTime),
            },
          ],
        },
      ],
      clientSideThrottleTime: 250,
    });
  });

  test("behavior: other people's gzip is read; the ends of transactions are left out", () => {
    const some = [{ key: 'k', value: Buffer.from('value') }];
    const plain = setOf([{ records: some, timestampMs: 5, isAppendTime: false }], 9);
    const zipped = Buffer.concat([
      plain.subarray(0, headBytes),
      gzipSync(plain.subarray(headBytes)),
    ]);
    zipped.writeInt32BE(zipped.length - 12, 8);
    zipped.writeInt16BE(1, 21);
    const expected = [{ offset: 9, timestampMs: 5, key: 'k', value: Buffer.from('value') }];
    expect(readBatches(zipped, 0, zipped.length, 0)).toEqual(expected);
    const ending = Buffer.from(plain);
    ending.writeInt16BE(0x30, 21);
    expect(readBatches(ending, 0, ending.length, 0)).toEqual([]);
    const other = Buffer.from(plain);
    other.writeInt16BE(4, 21);
    expect(() => readBatches(other, 0, other.length, 0)).toThrow('compressed by codec 4');
  });
});

interface Given {
  readonly records: { key: string; value: Buffer }[];
  readonly timestampMs: number;
  readonly isAppendTime: boolean;
}

function setOf(all: readonly Given[], base: number): Buffer {
  let offset = base;
  const written = all.map(({ records: some, timestampMs, isAppendTime }) => {
    const batch = Buffer.alloc(100_000);
    const producer = { producerId: 1n, producerEpoch: 0, firstSequence: 0 };
    const end = writeBatch(batch, 0, { ...producer, records: some, timestampMs });
    batch.writeBigInt64BE(BigInt(offset), 0);
    if (isAppendTime) batch.writeInt16BE(0x08, 21);
    offset += some.length;
    return batch.subarray(0, end);
  });
  return Buffer.concat(written);
}

function requestFrom(fetchOffset: number): FetchRequest {
  const partitions = [{ partition: 3, fetchOffset, maxBytes: 1 }];
  return {
    ...{ maxWaitTime: 1, minBytes: 1, maxBytes: 1, isolationLevel: 0 },
    topics: [{ topic: 'topic', partitions }],
  };
}

function answerOf(topic: string, number: number, set: Buffer): Buffer {
  const head = Buffer.alloc(4 + 2 + 4 + 4 + 2 + topic.length + 4 + 4 + 2 + 24 + 4 + 4 + 4);
  head.writeInt32BE(1, 10);
  head.writeInt16BE(topic.length, 14);
  head.write(topic, 16);
  let at = 16 + topic.length;
  head.writeInt32BE(1, at);
  head.writeInt32BE(number, at + 4);
  at += 8 + 2 + 24;
  // No transactions were aborted: as brokers say it, an array that is not there.
  head.writeInt32BE(-1, at);
  head.writeInt32BE(-1, at + 4);
  head.writeInt32BE(set.length, at + 8);
  return Buffer.concat([head, set]);
}
