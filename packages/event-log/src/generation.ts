import { fail } from '@paycrawl/errors/paycrawl-error';
import { decodeEvent } from '@paycrawl/events/event';
import { type PartitionCounts, physicalTopic, setGeneration } from '@paycrawl/events/topics';
import type { EventLog, LogRecord, Tail } from './event-log.js';

/** The generation in force; counts are known from its marker, or the first is as it was made. */
export interface GenerationInForce {
  readonly generation: number;
  readonly counts: PartitionCounts | undefined;
}

const source = { topic: physicalTopic('registry'), partition: 0 };
const first: GenerationInForce = { generation: 1, counts: undefined };

/** What the registry says now; the first generation where there is no registry yet. */
export async function readGeneration(log: EventLog): Promise<GenerationInForce> {
  if (!(await log.topics()).some(({ name }) => name === source.topic)) return first;
  const { earliest, next } = await log.offsets(source);
  let found = first;
  for (let offset = earliest; offset < next; ) {
    const records = await log.read(source, offset, 1000);
    const last = records.at(-1);
    if (last === undefined) break;
    found = newest(found, records);
    offset = last.offset + 1;
  }
  return found;
}

/** Reads the generation in force, and from here on this process speaks of its topics. */
export async function enterGeneration(log: EventLog): Promise<GenerationInForce> {
  const found = await readGeneration(log);
  setGeneration(found.generation);
  return found;
}

/** Tells when a newer generation than the one entered is opened: this process must end. */
export async function watchGeneration(
  log: EventLog,
  entered: GenerationInForce,
  onSuperseded: (error: unknown) => void,
): Promise<Tail> {
  let told = entered.generation;
  return log.tail({
    ...source,
    fromOffset: 0,
    onRecords: async (records) => {
      const found = newest(entered, records);
      if (found.generation <= told) return;
      told = found.generation;
      const detail = `generation ${told} is in force now; start this process again`;
      onSuperseded(fail('generation_superseded', detail));
    },
    onError: onSuperseded,
  });
}

function newest(known: GenerationInForce, records: readonly LogRecord[]): GenerationInForce {
  let found = known;
  for (const { value } of records) {
    const decoded = decodeEvent(value);
    if (decoded.kind !== 'event' || decoded.event.type !== 'GenerationOpened') continue;
    const { generation, payerPartitions: payer, publisherPartitions } = decoded.event.data;
    if (generation <= found.generation) continue;
    found = { generation, counts: { payer, publisher: publisherPartitions } };
  }
  return found;
}
