import type { LogRecord, TopicConfig } from './event-log.js';
import { openKafkaImport } from './kafka/import.js';
import { openLmdbImport } from './lmdb/import.js';
import { kafkaOptions, type LogPlace, type LogSettings } from './open-log.js';

export interface ImportTopic extends TopicConfig {
  /** The first offset of each partition; what was before it had expired. */
  readonly earliest: readonly number[];
}

/**
 * Writes a whole log into an empty one, with the positions and the times that its records had.
 * Nothing else may write or read there meanwhile; if it fails, the target is to be emptied.
 */
export interface LogImport {
  /** Fails with `restore_not_empty` where one of the topics is there already. */
  begin(topics: readonly ImportTopic[]): Promise<void>;
  /** Records of one partition, in order and without gaps, going on where the last call ended. */
  append(records: readonly LogRecord[]): Promise<void>;
  /** From here on the log gives positions and times again. */
  finish(): Promise<void>;
  close(): Promise<void>;
}

export function openLogImport(settings: LogSettings, place: LogPlace): LogImport {
  if (settings.kind === 'lmdb') return openLmdbImport(place.directory);
  return openKafkaImport(kafkaOptions(settings, place.clientId));
}
