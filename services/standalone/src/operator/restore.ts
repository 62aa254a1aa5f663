import type { LogImport } from '@paycrawl/event-log/import-log';
import { type Manifest, readManifest, readSegment } from './backup-format.js';

export interface Restored {
  readonly manifest: Manifest;
  readonly records: number;
}

/**
 * Writes a backup into an empty log, every record at its position and with its time. So nothing
 * has to be decided again: causes, snapshots and ids name what they named before.
 */
export async function restore(target: LogImport, folder: string): Promise<Restored> {
  const manifest = await readManifest(folder);
  let restored = 0;
  try {
    await target.begin(
      manifest.topics.map(({ name, retentionMs, partitions }) => ({
        ...{ name, retentionMs, partitions: partitions.length },
        earliest: partitions.map(({ earliest }) => earliest),
      })),
    );
    for (const { name: topic, partitions } of manifest.topics) {
      for (const [partition, { segments }] of partitions.entries()) {
        for (const segment of segments) {
          for await (const records of readSegment(folder, segment, { topic, partition })) {
            await target.append(records);
            restored += records.length;
          }
        }
      }
    }
    await target.finish();
  } finally {
    await target.close();
  }
  return { manifest, records: restored };
}
