import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { fail } from '@paycrawl/errors/paycrawl-error';
import type { LogRecord } from '../event-log.js';
import type { ImportTopic, LogImport } from '../import-log.js';
import type { MutableAppended } from '../producer.js';
import {
  chunkKey,
  chunkWriter,
  decodeHead,
  emptyHead,
  encodeChunk,
  encodeHead,
  type Head,
  headKey,
  successorHead,
} from './layout.js';
import { openRegistry, type Registry, registerTopics } from './registry.js';
import { closeSegment, headBytes, openSegment, type Segment } from './segment.js';
import { lmdbSettings } from './settings.js';
import { transact } from './transact.js';

interface Target {
  readonly directory: string;
  segment: Segment;
}

/** A log in a folder that does not exist yet. */
export function openLmdbImport(directory: string): LogImport {
  const { mapBytes, segmentBytesMax } = lmdbSettings({ directory });
  const targets = new Map<string, Target>();
  const chunks = chunkWriter();
  let registry: Registry | undefined;

  return {
    async begin(topics) {
      if (existsSync(directory)) throw fail('restore_not_empty', `${directory} is there already`);
      mkdirSync(directory, { recursive: true });
      registry = openRegistry(directory);
      await registerTopics(registry, topics);
      for (const topic of topics) {
        const folder = path.join(directory, 'topics', topic.name);
        mkdirSync(folder, { recursive: true });
        const segment = openSegment(folder, 0, headOf(topic), mapBytes);
        targets.set(topic.name, { directory: folder, segment });
      }
    },
    async append(records) {
      const [first] = records;
      if (first === undefined) return;
      const target = targets.get(first.topic);
      if (target === undefined) throw fail('log_unknown_partition', `no topic ${first.topic}`);
      const head = decodeHead(headBytes(target.segment));
      if (head.bytes >= segmentBytesMax) await roll(target, head, mapBytes);
      await transact(target.segment.db, () => put(target.segment, records, chunks));
    },
    finish: async () => {},
    async close() {
      for (const { segment } of targets.values()) await closeSegment(segment);
      await registry?.db.close();
    },
  };
}

function headOf({ partitions, earliest }: ImportTopic): Head {
  const head = emptyHead(partitions, Date.now());
  for (const [partition, offset] of earliest.entries()) head.next[partition] = offset;
  return head;
}

async function roll(target: Target, head: Head, mapBytes: number): Promise<void> {
  const { segment, directory } = target;
  head.sealed = true;
  await transact(segment.db, () => segment.db.put(headKey, encodeHead(head)));
  await closeSegment(segment);
  const successor = successorHead(head, head.createdMs);
  target.segment = openSegment(directory, segment.id + 1, successor, mapBytes);
}

/** A chunk for each run of records of one append time. */
function put(
  { db }: Segment,
  records: readonly LogRecord[],
  chunks: ReturnType<typeof chunkWriter>,
): void {
  const head = decodeHead(db.getBinary(headKey) as Buffer);
  const partition = records[0]?.partition ?? 0;
  for (let from = 0; from < records.length; ) {
    const { timestampMs, offset } = records[from] as LogRecord;
    if (offset !== head.next[partition]) {
      throw fail('backup_damaged', `${offset} follows ${(head.next[partition] ?? 0) - 1}`);
    }
    let to = from + 1;
    while (records[to]?.timestampMs === timestampMs) to += 1;
    const run = records.slice(from, to);
    const places: MutableAppended[] = run.map((record) => ({ ...record }));
    const chunk = encodeChunk(chunks, run, places, 0, offset, timestampMs);
    db.put(chunkKey(partition, offset), Buffer.from(chunks.scratch.subarray(0, chunk.bytes)));
    head.bytes += chunk.bytes;
    head.next[partition] = offset + chunk.to;
    head.lastMs[partition] = Math.max(head.lastMs[partition] ?? 0, timestampMs);
    from += chunk.to;
  }
  db.put(headKey, encodeHead(head));
}
