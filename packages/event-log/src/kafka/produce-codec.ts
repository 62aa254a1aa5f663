import { createReading, encodedAs, type OwnCodec, stringBytes, writeString } from './own-codec.js';
import type { Api, ProducedTopic, ProduceRequest } from './protocol.js';
import { batchBytesAtMost, readInt64, writeBatch } from './record-batch.js';

/** Newest version whose layout is written here; every broker since 2.1 takes it. */
export const produceVersion = 7;

/** `Produce` in one buffer: who waits for the log waits for this. */
export function produceCodec(request: ProduceRequest): OwnCodec<Api['Produce'][1]> {
  return { encode: () => encodedAs(encode(request)), decode };
}

function encode({ acks, timeout, topicData, ...identity }: ProduceRequest): Buffer {
  // No transactional id, acks, timeout, count of topics.
  let bytesAtMost = 2 + 2 + 4 + 4;
  for (const { topic, partitions } of topicData) {
    bytesAtMost += stringBytes(topic) + 4;
    for (const { messages } of partitions) bytesAtMost += 8 + batchBytesAtMost(messages);
  }
  const bytes = Buffer.allocUnsafe(bytesAtMost);
  bytes.writeInt16BE(-1, 0);
  bytes.writeInt16BE(acks, 2);
  bytes.writeInt32BE(timeout, 4);
  bytes.writeInt32BE(topicData.length, 8);
  let at = 12;
  const producer = {
    producerId: BigInt(identity.producerId ?? -1),
    producerEpoch: identity.producerEpoch ?? 0,
    timestampMs: Date.now(),
  };
  for (const { topic, partitions } of topicData) {
    at = writeString(bytes, at, topic);
    bytes.writeInt32BE(partitions.length, at);
    at += 4;
    for (const { partition, firstSequence, messages: records } of partitions) {
      bytes.writeInt32BE(partition, at);
      const end = writeBatch(bytes, at + 8, { records, firstSequence, ...producer });
      bytes.writeInt32BE(end - at - 8, at + 4);
      at = end;
    }
  }
  return bytes.subarray(0, at);
}

async function decode(payload: Buffer): Promise<Api['Produce'][1]> {
  const reading = createReading(payload);
  const topics: ProducedTopic[] = reading.array(() => ({
    topicName: reading.string(),
    partitions: reading.array(() => {
      const at = reading.skip(4 + 2 + 8 + 8 + 8);
      return {
        partition: payload.readInt32BE(at),
        errorCode: payload.readInt16BE(at + 4),
        baseOffset: readInt64(payload, at + 6),
        logAppendTimeMs: readInt64(payload, at + 14),
      };
    }),
  }));
  return { topics, clientSideThrottleTime: reading.int32() };
}
