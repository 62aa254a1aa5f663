import type { LogRecord } from '@paycrawl/event-log/event-log';
import { type AnyEvent, encodeEvent } from '@paycrawl/events/event';
import { physicalTopic } from '@paycrawl/events/topics';
import type { LogOutput } from '@paycrawl/fold/fold';
import { createLogSink, deadLetterOf } from '@paycrawl/fold/log-sink';
import { createPartition } from '@paycrawl/fold/partition';
import { createMemoryStore } from '@paycrawl/fold/store';
import { admission } from '@paycrawl/verifier/admission/decide';
import { deliveredOf, fundsOf, payerOf, proofOf, randomAddress } from './admission-records.js';
import { discardingLog } from './discarding-log.js';

export interface ReplayFigures {
  readonly events: number;
  readonly eventsPerS: number;
}

const batchRecords = 500;
const payersMax = 1000;

/** Decodes, folds and encodes the outputs of `crawls` paid crawls: the verifier's replay. */
export async function benchReplay(crawls: number): Promise<ReplayFigures> {
  const records = recordsOf(crawls);
  const partition = createPartition<LogOutput>({
    fold: admission as never,
    partition: 0,
    store: createMemoryStore(),
    sink: createLogSink(discardingLog(), 'verifier'),
    deadLetter: deadLetterOf('verifier'),
    onBroken: (error) => {
      throw error;
    },
  });
  const startedMs = performance.now();
  for (let at = 0; at < records.length; at += batchRecords) {
    await partition.fold(records.slice(at, at + batchRecords));
  }
  await partition.drained();
  await partition.checkpoint();
  const seconds = (performance.now() - startedMs) / 1000;
  return { events: records.length, eventsPerS: Math.round(records.length / seconds) };
}

/** Funds of every payer, then proof and delivery of each crawl. */
function recordsOf(crawls: number): LogRecord[] {
  const payers = Array.from({ length: Math.min(payersMax, crawls) }, () => randomAddress());
  const records: LogRecord[] = [];
  const add = (key: string, event: Omit<AnyEvent, 'id' | 'source' | 'timeMs'>): void => {
    const offset = records.length;
    const whole = { ...event, id: `bench/${offset}`, source: 'bench', timeMs: 1_000_000 + offset };
    records.push({
      topic: physicalTopic('payments'),
      partition: 0,
      offset,
      timestampMs: 1_000_000 + offset,
      key,
      value: encodeEvent(whole as AnyEvent),
    });
  };
  for (const from of payers) add(payerOf(from), fundsOf(from));
  for (let i = 0; i < crawls; i++) {
    const proof = proofOf(payers[i % payers.length] as string, i);
    add(proof.data.payer, proof);
    add(proof.data.payer, deliveredOf(proof.data));
  }
  return records;
}
