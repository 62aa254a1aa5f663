import type { TopicPartition } from '@paycrawl/event-log/event-log';
import { type SourceFolder, sourceKey } from './source-folder.js';

/** All sources that are folded again, shared out over who folds them. */
export interface Refolder {
  /** Folds everything up to where the log ends now, and writes it. Returns how many records. */
  toEnd(): Promise<number>;
  /** Next offsets by `topic/partition`. */
  ends(): ReadonlyMap<string, number>;
  close(): Promise<void>;
}

/**
 * Whoever is free takes the next source, and keeps it: its state is there. Sources come with the
 * longest first, so that nobody is left alone with one at the end.
 */
export function createRefolder(
  folders: readonly SourceFolder[],
  sources: readonly TopicPartition[],
): Refolder {
  const untaken = [...sources];
  const taken = new Map(folders.map((folder) => [folder, [] as TopicPartition[]]));
  const ends = new Map<string, number>();
  const fold = async (folder: SourceFolder, source: TopicPartition): Promise<number> => {
    const { records, nextOffset } = await folder.foldToEnd(source);
    ends.set(sourceKey(source), nextOffset);
    return records;
  };
  const foldAll = async (folder: SourceFolder, own: TopicPartition[]): Promise<number> => {
    let records = 0;
    for (const source of own.slice()) records += await fold(folder, source);
    for (let next = untaken.shift(); next !== undefined; next = untaken.shift()) {
      own.push(next);
      records += await fold(folder, next);
    }
    return records;
  };
  return {
    async toEnd() {
      const counts = await Promise.all([...taken].map(([folder, own]) => foldAll(folder, own)));
      return counts.reduce((sum, count) => sum + count, 0);
    },
    ends: () => ends,
    close: async () => void (await Promise.all(folders.map((folder) => folder.close()))),
  };
}
