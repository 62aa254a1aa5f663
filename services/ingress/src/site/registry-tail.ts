import type { EventLog, LogRecord, Tail } from '@paycrawl/event-log/event-log';
import { decodeEvent, type RegistryEvent } from '@paycrawl/events/event';
import { physicalTopic } from '@paycrawl/events/topics';
import type { Sites } from './sites.js';

export interface RegistryTailOptions {
  readonly log: EventLog;
  readonly sites: Sites;
  /** The copy of the registry grows old from here on: the process should be replaced. */
  readonly onError: (error: unknown) => void;
  /** A record that this version cannot read; it is left out and shown. */
  readonly onUnreadable: (offset: number, detail: string) => void;
}

/** Reads the registry to its present end, then follows it. */
export async function followRegistry(options: RegistryTailOptions): Promise<Tail> {
  const { log } = options;
  const source = { topic: physicalTopic('registry'), partition: 0 };
  const { earliest, next } = await log.offsets(source);
  let offset = earliest;
  while (offset < next) {
    const records = await log.read(source, offset, 1000);
    const last = records.at(-1);
    if (last === undefined) break;
    applyAll(records, options);
    offset = last.offset + 1;
  }
  return log.tail({
    ...source,
    fromOffset: offset,
    onRecords: async (records) => applyAll(records, options),
    onError: options.onError,
  });
}

function applyAll(records: readonly LogRecord[], options: RegistryTailOptions): void {
  for (const { value, offset } of records) {
    const decoded = decodeEvent(value);
    if (decoded.kind === 'event') options.sites.apply(decoded.event as RegistryEvent);
    else options.onUnreadable(offset, decoded.detail);
  }
}
