import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fail } from '@paycrawl/errors/paycrawl-error';
import type { LogRecord, TopicConfig } from '@paycrawl/event-log/event-log';

/** A run of records of one partition: one line of JSON for each. */
export interface Segment {
  readonly file: string;
  readonly firstOffset: number;
  readonly records: number;
  readonly bytes: number;
  readonly sha256: string;
}

export interface PartitionBackup {
  readonly earliest: number;
  readonly next: number;
  readonly segments: readonly Segment[];
}

export interface TopicBackup {
  /** With its generation: `payments.1`. */
  readonly name: string;
  readonly retentionMs: TopicConfig['retentionMs'];
  readonly partitions: readonly PartitionBackup[];
}

export interface Manifest {
  readonly format: 'paycrawl-backup';
  readonly version: 1;
  readonly takenAt: string;
  readonly topics: readonly TopicBackup[];
  /** What is not in it, in words for the person who restores it. */
  readonly excluded: readonly string[];
}

export const manifestFile = 'manifest.json';

/** Values are text where they are text, so that a backup can be read and searched. */
export function lineOf({ offset, timestampMs, key, value }: LogRecord): string {
  const text = value.toString('utf8');
  const isText = Buffer.from(text).equals(value);
  const body = isText ? { value: text } : { valueBase64: value.toString('base64') };
  return `${JSON.stringify({ offset, timeMs: timestampMs, key, ...body })}\n`;
}

interface Line {
  readonly offset: number;
  readonly timeMs: number;
  readonly key: string;
  readonly value?: string;
  readonly valueBase64?: string;
}

function recordOf(line: string, topic: string, partition: number): LogRecord {
  const { offset, timeMs, key, value, valueBase64 } = JSON.parse(line) as Line;
  const bytes = value === undefined ? Buffer.from(valueBase64 ?? '', 'base64') : Buffer.from(value);
  return { topic, partition, offset, timestampMs: timeMs, key, value: bytes };
}

const recordsPerBatch = 5_000;

export async function* readSegment(
  folder: string,
  { file }: Segment,
  place: { readonly topic: string; readonly partition: number },
): AsyncGenerator<LogRecord[]> {
  let batch: LogRecord[] = [];
  const input = createReadStream(join(folder, file), 'utf8');
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    batch.push(recordOf(line, place.topic, place.partition));
    if (batch.length < recordsPerBatch) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** Fails with `backup_damaged` unless every file is there and is what was written. */
export async function readManifest(folder: string): Promise<Manifest> {
  const text = await readFile(join(folder, manifestFile), 'utf8').catch(() => undefined);
  if (text === undefined) {
    throw fail('backup_damaged', `${folder} has no ${manifestFile}: it was never finished`);
  }
  const manifest = parsed(text);
  for (const { partitions } of manifest.topics) {
    for (const { segments } of partitions) {
      for (const segment of segments) await verify(folder, segment);
    }
  }
  return manifest;
}

function parsed(text: string): Manifest {
  try {
    const manifest = JSON.parse(text) as Manifest;
    if (manifest.format === 'paycrawl-backup' && manifest.version === 1) return manifest;
  } catch (cause) {
    throw fail('backup_damaged', 'its manifest is not JSON', { cause });
  }
  throw fail('backup_damaged', 'its manifest is not one of this version');
}

async function verify(folder: string, { file, sha256 }: Segment): Promise<void> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(join(folder, file))) hash.update(chunk as Buffer);
  } catch (cause) {
    throw fail('backup_damaged', `${file} cannot be read`, { cause });
  }
  if (hash.digest('hex') !== sha256) throw fail('backup_damaged', `${file} was changed`);
}
