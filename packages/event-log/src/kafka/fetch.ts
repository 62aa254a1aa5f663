import type { LogRecord, TopicPartition } from '../event-log.js';
import type { Cluster } from './cluster.js';
import { brokerFault, throwIfRefused } from './faults.js';
import type { Address } from './link.js';
import type { Api, FetchedTopic, FetchRequest } from './protocol.js';

export const earliestTimestamp = -2;
export const latestTimestamp = -1;
const offsetOutOfRange = 1;

/** What one fetch of one partition gave. */
export type Fetched =
  | { readonly kind: 'records'; readonly records: LogRecord[] }
  /** The offset is before the first kept record or beyond the end. */
  | { readonly kind: 'out_of_range' };

export interface FetchBounds {
  readonly maxWaitMs: number;
  readonly bytesMax: number;
}

export function fetchRequest(
  { topic, partition }: TopicPartition,
  fromOffset: number,
  { maxWaitMs, bytesMax }: FetchBounds,
): FetchRequest {
  return {
    maxWaitTime: maxWaitMs,
    minBytes: 1,
    maxBytes: bytesMax,
    // Nobody writes transactions; committed reads would only make the broker look.
    isolationLevel: 0,
    topics: [{ topic, partitions: [{ partition, fetchOffset: fromOffset, maxBytes: bytesMax }] }],
  };
}

export function fetchedRecords(
  { topic, partition }: TopicPartition,
  { errorCode, responses }: { errorCode: number; responses: FetchedTopic[] },
): Fetched {
  throwIfRefused(errorCode, 'a fetch');
  const answer = responses[0]?.partitions[0];
  if (answer === undefined) throw brokerFault(3, 'a fetch');
  if (answer.errorCode === offsetOutOfRange) return { kind: 'out_of_range' };
  throwIfRefused(answer.errorCode, 'a fetch');
  const records = answer.records.map(({ key, value, offset, timestampMs }): LogRecord => {
    // Not spread: each record of the log comes by here.
    return { topic, partition, key, value, offset, timestampMs };
  });
  return { kind: 'records', records };
}

/** The first kept offset and the one that the next record will get. */
export async function readOffsets(
  cluster: Cluster,
  place: TopicPartition,
): Promise<{ earliest: number; next: number }> {
  const address = await cluster.leader(place);
  const [earliest, next] = await Promise.all([
    listOffset(cluster, address, place, earliestTimestamp),
    listOffset(cluster, address, place, latestTimestamp),
  ]);
  return { earliest, next };
}

async function listOffset(
  cluster: Cluster,
  address: Address,
  { topic, partition }: TopicPartition,
  timestamp: typeof earliestTimestamp | typeof latestTimestamp,
): Promise<number> {
  const answer = await cluster.ask(address, 'ListOffsets', {
    replicaId: -1,
    isolationLevel: 0,
    topics: [{ topic, partitions: [{ partition, timestamp }] }],
  });
  const found = answer.responses[0]?.partitions[0];
  if (found === undefined) throw brokerFault(3, 'to list offsets');
  refuseAndDoubt(cluster, found.errorCode, 'to list offsets');
  return Number.parseInt(found.offset, 10);
}

/** A refusal often means that another broker leads by now. */
function refuseAndDoubt(cluster: Cluster, errorCode: number, what: string): void {
  if (errorCode === 0) return;
  cluster.doubt();
  throw brokerFault(errorCode, what);
}

const bytesPerRecordGuess = 2_048;
const readBytesMin = 64 * 1024;

/** One look at the log, without waiting for records to come. */
export async function readOnce(
  cluster: Cluster,
  place: TopicPartition,
  fromOffset: number,
  recordsMax: number,
): Promise<LogRecord[]> {
  const { fetchBytesMax } = cluster.settings;
  const wished = Math.max(readBytesMin, recordsMax * bytesPerRecordGuess);
  const bounds = { maxWaitMs: 0, bytesMax: Math.min(fetchBytesMax, wished) };
  const address = await cluster.leader(place);
  const ask = async (from: number): Promise<Fetched> => {
    const answer: Api['Fetch'][1] = await cluster.ask(
      address,
      'Fetch',
      fetchRequest(place, from, bounds),
    );
    return doubtfully(cluster, () => fetchedRecords(place, answer));
  };
  const first = await ask(fromOffset);
  if (first.kind === 'records') return first.records.slice(0, recordsMax);
  const { earliest } = await readOffsets(cluster, place);
  if (fromOffset >= earliest) return [];
  const again = await ask(earliest);
  return again.kind === 'records' ? again.records.slice(0, recordsMax) : [];
}

function doubtfully<T>(cluster: Cluster, read: () => T): T {
  try {
    return read();
  } catch (error) {
    cluster.doubt();
    throw error;
  }
}

/** The committed offset of a group, as its coordinator knows it. */
export async function readCommitted(
  cluster: Cluster,
  groupId: string,
  { topic, partition }: TopicPartition,
): Promise<number | undefined> {
  const address = await cluster.coordinator(groupId);
  const answer = await cluster.ask(address, 'OffsetFetch', {
    groupId,
    topics: [{ topic, partitions: [{ partition }] }],
  });
  const found = answer.responses[0]?.partitions[0];
  refuseAndDoubt(cluster, answer.errorCode || (found?.errorCode ?? 0), 'to say a commit');
  const offset = found === undefined ? -1 : Number.parseInt(found.offset, 10);
  return offset < 0 ? undefined : offset;
}
