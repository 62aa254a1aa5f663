import type { EventLog } from '@paycrawl/event-log/event-log';
import { type AnyEvent, decodeEvent } from '@paycrawl/events/event';
import type { Warehouse } from '@paycrawl/warehouse/warehouse';
import type { CrawlEvent } from '../routes/api-types.js';
import { isoOf } from './period.js';

/** An event as it stands in the log; undefined when its topic has expired it. */
export interface FoundEvent {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly type: string;
  readonly atMs: number;
  readonly event: AnyEvent | undefined;
}

interface IndexRow {
  readonly type: string;
  readonly at_ms: string;
  readonly log_topic: string;
  readonly log_partition: number;
  readonly log_offset: string;
}

/** More events than any honest crawl or batch has; a bound, not a page. */
const eventsMax = 2000;

/** The index says where; the data comes from the log itself. In causal order. */
export async function findEvents(
  { warehouse, log }: { readonly warehouse: Warehouse; readonly log: EventLog },
  subjects: readonly string[],
): Promise<FoundEvent[]> {
  const rows = await warehouse.query<IndexRow>(
    `SELECT type, toUnixTimestamp64Milli(at) AS at_ms, log_topic, log_partition, log_offset
     FROM event_index WHERE subject IN {subjects:Array(String)}
     ORDER BY at, log_topic, log_partition, log_offset
     LIMIT 1 BY log_topic, log_partition, log_offset LIMIT {max:UInt32}`,
    { subjects, max: eventsMax },
  );
  return inCausalOrder(await Promise.all(rows.map((row) => readEvent(log, row))));
}

async function readEvent(log: EventLog, row: IndexRow): Promise<FoundEvent> {
  const [topic, partition, offset] = [row.log_topic, row.log_partition, Number(row.log_offset)];
  const [record] = await log.read({ topic, partition }, offset, 1);
  const decoded = record?.offset === offset ? decodeEvent(record.value) : undefined;
  const event = decoded?.kind === 'event' ? decoded.event : undefined;
  return { topic, partition, offset, type: row.type, atMs: Number(row.at_ms), event };
}

/**
 * By time; but what a fold wrote stands after what it read and before what it read next, however
 * late its write became durable, and a partition keeps its order, also when everything happened in
 * one millisecond or the clocks of brokers differ.
 */
export function inCausalOrder(events: readonly FoundEvent[]): FoundEvent[] {
  const byPlace = new Map(events.map((event) => [placeOf(event), event]));
  const outputs = outputsBySource(events);
  const placed = new Set<FoundEvent>();
  const ordered: FoundEvent[] = [];
  const place = (event: FoundEvent): void => {
    if (placed.has(event)) return;
    placed.add(event);
    const [topic, partition, offset] = event.event?.cause ?? [];
    const cause = byPlace.get(`${topic}/${partition}/${offset}`);
    if (cause !== undefined) place(cause);
    for (const output of outputs.get(`${event.topic}/${event.partition}`) ?? []) {
      if (sourceOffset(output) >= event.offset) break;
      place(output);
    }
    ordered.push(event);
  };
  const byTime = [...events].sort(
    (a, b) => a.atMs - b.atMs || rankOf(a.topic) - rankOf(b.topic) || a.offset - b.offset,
  );
  for (const event of byTime) place(event);
  return ordered;
}

/** What was folded from each partition, in the order of what it was folded from. */
function outputsBySource(events: readonly FoundEvent[]): Map<string, FoundEvent[]> {
  const found = new Map<string, FoundEvent[]>();
  const outputs = events.filter(({ event }) => event?.cause !== undefined);
  outputs.sort((a, b) => sourceOffset(a) - sourceOffset(b));
  for (const output of outputs) {
    const [topic, partition] = output.event?.cause ?? [];
    const source = `${topic}/${partition}`;
    const known = found.get(source);
    if (known === undefined) found.set(source, [output]);
    else known.push(output);
  }
  return found;
}

function sourceOffset({ event }: FoundEvent): number {
  return event?.cause?.[2] ?? -1;
}

const topicOrder = ['challenges', 'payments', 'decisions', 'ledger', 'charges', 'settlements'];

function rankOf(topic: string): number {
  return topicOrder.indexOf(topic.slice(0, topic.lastIndexOf('.')));
}

function placeOf({ topic, partition, offset }: FoundEvent): string {
  return `${topic}/${partition}/${offset}`;
}

/** Who reads, and of which charges: what belongs to others is left out. */
export interface Reader {
  readonly isOperator: boolean;
  readonly maySeeCharge: (chargeId: string) => boolean;
}

/** A signature or a signed transaction is a bearer paper; nobody needs it to understand. */
const secretFields: ReadonlySet<string> = new Set(['signature', 'rawTransaction']);
const chargeLists: ReadonlySet<string> = new Set(['chargeIds', 'answers', 'ready', 'withCode']);
/** What one publisher may know of a batch that it shares with others. */
const sharedBatchFields: ReadonlySet<string> = new Set([
  ...['batchId', 'network', 'asset', 'attempt', 'transactionHash', 'blockNumber', 'reason'],
  ...chargeLists,
]);

export function toCrawlEvent(found: FoundEvent, reader: Reader): CrawlEvent {
  const { topic, partition, offset, type, atMs, event } = found;
  const place = { topic, partition, offset, type, at: isoOf(atMs) };
  if (event === undefined) {
    return { ...place, id: placeOf(found), cause: null, expired: true, data: {} };
  }
  const [causeTopic, causePartition, causeOffset, index] = event.cause ?? [];
  const cause =
    event.cause === undefined
      ? null
      : {
          topic: causeTopic as string,
          partition: causePartition as number,
          offset: causeOffset as number,
          index: index as number,
        };
  return { ...place, id: event.id, cause, expired: false, data: visibleData(event, reader) };
}

function visibleData(event: AnyEvent, reader: Reader): Record<string, unknown> {
  const data: Record<string, unknown> = event.data;
  const isShared = !('chargeId' in data) && 'batchId' in data && !reader.isOperator;
  const visible = Object.entries(data).filter(
    ([name]) => !secretFields.has(name) && (!isShared || sharedBatchFields.has(name)),
  );
  const narrowed = visible.map(([name, value]) => {
    if (!chargeLists.has(name) || !Array.isArray(value)) return [name, value] as const;
    return [name, value.filter((item) => reader.maySeeCharge(chargeOf(item)))] as const;
  });
  return Object.fromEntries(narrowed);
}

function chargeOf(item: unknown): string {
  return typeof item === 'string' ? item : String((item as { chargeId?: unknown }).chargeId);
}
