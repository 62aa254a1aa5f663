import fc from 'fast-check';
import { Partitioners } from 'kafkajs';
import { expect, test } from 'vitest';
import { murmur2, partitionForKey } from './partitioner.js';

// The vectors of Kafka's own UtilsTest.testMurmur2.
const golden: [Uint8Array, number][] = [
  [Buffer.from('21'), -973932308],
  [Buffer.from('foobar'), -790332482],
  [Buffer.from('a-little-bit-long-string'), -985981536],
  [Buffer.from('a-little-bit-longer-string'), -1486304829],
  [Buffer.from('lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8'), -58897971],
  [Buffer.from('abc'), 479470107],
];

test('behavior: murmur2 gives the hashes of the Java client', () => {
  for (const [bytes, hash] of golden) expect(murmur2(bytes)).toBe(hash);
});

test('behavior: partitions are those of the Java default partitioner', () => {
  for (const [bytes, hash] of golden) {
    const key = Buffer.from(bytes).toString('utf8');
    for (const partitions of [1, 2, 7, 16, 1_000]) {
      expect(partitionForKey(key, partitions)).toBe((hash & 0x7fffffff) % partitions);
    }
  }
});

test('property: the path without allocation hashes like the one over bytes', () => {
  const key = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }));
  fc.assert(
    fc.property(key, fc.integer({ min: 1, max: 64 }), (text, partitions) => {
      const hash = murmur2(Buffer.from(text, 'utf8'));
      expect(partitionForKey(text, partitions)).toBe((hash & 0x7fffffff) % partitions);
    }),
  );
});

test('property: a record that kafkajs sends by itself would stand in the same partition', () => {
  const partitioner = Partitioners.DefaultPartitioner();
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', minLength: 1 }),
      fc.integer({ min: 1, max: 64 }),
      (key, n) => {
        const partitionMetadata = Array.from({ length: n }, (_, partitionId) => ({
          ...{ partitionId, leader: 1, partitionErrorCode: 0, replicas: [1], isr: [1] },
        }));
        const message = { key, value: '' };
        expect(partitioner({ topic: 't', partitionMetadata, message })).toBe(
          partitionForKey(key, n),
        );
      },
    ),
  );
});
