import { createReading, encodedAs, type OwnCodec, stringBytes, writeString } from './own-codec.js';
import type { Api, FetchRequest } from './protocol.js';
import { readBatches, writeInt64 } from './record-batch.js';

/** Newest version whose layout is written here; every broker since 2.3 takes it. */
export const fetchVersion = 11;

/** `Fetch` of one request after the other: no session, no epoch of a leader, no rack. */
export function fetchCodec(request: FetchRequest): OwnCodec<Api['Fetch'][1]> {
  return {
    encode: () => encodedAs(encode(request)),
    decode: async (payload) => decode(payload, request),
  };
}

const partitionBytes = 4 + 4 + 8 + 8 + 4;

function encode({ maxWaitTime, minBytes, maxBytes, isolationLevel, topics }: FetchRequest): Buffer {
  let size = 4 + 4 + 4 + 4 + 1 + 4 + 4 + 4 + 4 + 2;
  for (const { topic, partitions } of topics) {
    size += stringBytes(topic) + 4 + partitions.length * partitionBytes;
  }
  const bytes = Buffer.alloc(size);
  // Not a replica.
  bytes.writeInt32BE(-1, 0);
  bytes.writeInt32BE(maxWaitTime, 4);
  bytes.writeInt32BE(minBytes, 8);
  bytes.writeInt32BE(maxBytes, 12);
  bytes.writeInt8(isolationLevel, 16);
  // Session 0 in epoch -1: none.
  bytes.writeInt32BE(-1, 21);
  bytes.writeInt32BE(topics.length, 25);
  let at = 29;
  for (const { topic, partitions } of topics) {
    at = writeString(bytes, at, topic);
    bytes.writeInt32BE(partitions.length, at);
    at += 4;
    for (const { partition, fetchOffset, maxBytes: partitionBytesMax } of partitions) {
      bytes.writeInt32BE(partition, at);
      bytes.writeInt32BE(-1, at + 4);
      writeInt64(bytes, at + 8, fetchOffset);
      // The offset where a follower's log begins: none.
      writeInt64(bytes, at + 16, -1);
      bytes.writeInt32BE(partitionBytesMax, at + 24);
      at += partitionBytes;
    }
  }
  // No forgotten topics and no rack: zeros.
  return bytes;
}

function decode(payload: Buffer, { topics: asked }: FetchRequest): Api['Fetch'][1] {
  const reading = createReading(payload);
  const clientSideThrottleTime = reading.int32();
  const errorCode = reading.int16();
  // The session that there is not.
  reading.skip(4);
  const responses = reading.array(() => {
    const topicName = reading.string();
    const from = asked.find(({ topic }) => topic === topicName)?.partitions ?? [];
    const partitions = reading.array(() => {
      const partition = reading.int32();
      const partitionError = reading.int16();
      // High watermark, last stable offset, log start offset.
      reading.skip(8 + 8 + 8);
      reading.array(() => reading.skip(16));
      // The replica that should be asked instead.
      reading.skip(4);
      const length = Math.max(0, reading.int32());
      const start = reading.skip(length);
      const fromOffset = from.find((one) => one.partition === partition)?.fetchOffset ?? 0;
      const records = readBatches(payload, start, start + length, fromOffset);
      return { partition, errorCode: partitionError, records };
    });
    return { topicName, partitions };
  });
  return { errorCode, responses, clientSideThrottleTime };
}
