import type { EventLog, LogRecord } from '@paycrawl/event-log/event-log';
import { decodeEvent } from '@paycrawl/events/event';
import { physicalTopic } from '@paycrawl/events/topics';

/** The margins that settlement published, as the registry holds them. */
export interface MeasuredMargins {
  /** 0 where nothing was measured yet. */
  ofPartition(partition: number): number;
  close(): Promise<void>;
}

export interface MeasuredMarginsOptions {
  readonly log: EventLog;
  readonly network: string;
  /** What is known grows old from here on: the process should be replaced. */
  onError(error: unknown): void;
}

/** Reads the registry to its present end, then follows it. */
export async function followMeasuredMargins(
  options: MeasuredMarginsOptions,
): Promise<MeasuredMargins> {
  const { log, network, onError } = options;
  const marginsS = new Map<number, number>();
  const source = { topic: physicalTopic('registry'), partition: 0 };
  const { earliest, next } = await log.offsets(source);
  let offset = earliest;
  while (offset < next) {
    const records = await log.read(source, offset, 1000);
    const last = records.at(-1);
    if (last === undefined) break;
    takeIn(records, network, marginsS);
    offset = last.offset + 1;
  }
  const tail = await log.tail({
    ...source,
    fromOffset: offset,
    onRecords: async (records) => takeIn(records, network, marginsS),
    onError,
  });
  return { ofPartition: (partition) => marginsS.get(partition) ?? 0, close: () => tail.close() };
}

/** What cannot be read here is shown by the ingress, which works from the same records. */
function takeIn(
  records: readonly LogRecord[],
  network: string,
  marginsS: Map<number, number>,
): void {
  for (const { value } of records) {
    const decoded = decodeEvent(value);
    if (decoded.kind !== 'event' || decoded.event.type !== 'SettlementMeasured') continue;
    const { partition, marginS } = decoded.event.data;
    if (decoded.event.data.network === network) marginsS.set(partition, marginS);
  }
}
