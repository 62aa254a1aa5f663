import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LogRecord } from '@paycrawl/event-log/event-log';
import { type AnyEvent, encodeEvent } from '@paycrawl/events/event';
import { physicalTopic } from '@paycrawl/events/topics';
import type { Fold, LogOutput } from '@paycrawl/fold/fold';
import { createLogSink, deadLetterOf } from '@paycrawl/fold/log-sink';
import { createPartition } from '@paycrawl/fold/partition';
import { singleFlight } from '@paycrawl/fold/single-flight';
import { createMemoryStore, openStore, type Store } from '@paycrawl/fold/store';
import { checkpointKnob } from '@paycrawl/service-kit/process-config';
import { settlementFold } from '@paycrawl/settlement/batches/decide';
import { admission } from '@paycrawl/verifier/admission/decide';
import { deliveredOf, fundsOf, payerOf, proofOf, randomAddress } from './admission-records.js';
import { chargeRecords } from './charge-records.js';
import { discardingLog } from './discarding-log.js';

export interface ReplayFigures {
  readonly events: number;
  readonly eventsPerS: number;
  /** Processor time of one event: says more than the rate where others work beside it. */
  readonly cpuUs: number;
}

const batchRecords = 500;
/** As services do that nobody told otherwise. */
const checkpointIntervalMs: number = checkpointKnob('REPLAY').default;
const payersMax = 1000;

/** A history of one partition, and the fold that it is for. */
export type ReplayPart =
  | { readonly fold: 'admission'; readonly crawls: number }
  /** With batches and their ends; their state goes into a store on disk. */
  | { readonly fold: 'settlement'; readonly charges: number; readonly chargesPerS: number };

export type ReplayPass = () => Promise<ReplayFigures>;

export const passes = 4;

/** Makes the history; each pass decodes and folds it from its beginning and encodes the outputs. */
export function replayPass(part: ReplayPart): ReplayPass {
  if (part.fold === 'admission') {
    const records = recordsOf(part.crawls);
    return () => replay(admission as never, records, createMemoryStore());
  }
  const records = chargeRecords(part.charges, part.chargesPerS);
  return () => replayCharges(records);
}

/** One partition on one core. Of a few passes, since the first one is also that of a compiler. */
export async function benchReplay(part: ReplayPart): Promise<ReplayFigures> {
  const pass = replayPass(part);
  let best = await pass();
  for (let again = 1; again < passes; again += 1) {
    const one = await pass();
    if (one.cpuUs < best.cpuUs) best = one;
  }
  return best;
}

async function replayCharges(records: readonly LogRecord[]): Promise<ReplayFigures> {
  const directory = await mkdtemp(join(tmpdir(), 'paycrawl-replay-'));
  const store = openStore(directory);
  try {
    return await replay(settlementFold as never, records, store);
  } finally {
    await store.close();
    await rm(directory, { recursive: true });
  }
}

/** Folds, writes and checkpoints as a service does, but to a log that costs nothing. */
async function replay(
  fold: Fold<LogOutput>,
  records: readonly LogRecord[],
  store: Store,
): Promise<ReplayFigures> {
  const partition = createPartition<LogOutput>({
    fold,
    partition: 0,
    store,
    sink: createLogSink(discardingLog(), fold.name),
    deadLetter: deadLetterOf(fold.name),
    onBroken: (error) => {
      throw error;
    },
  });
  const checkpoint = singleFlight(async () => void (await partition.checkpoint()));
  const startedMs = performance.now();
  const startedCpu = process.cpuUsage();
  const timer = setInterval(() => void checkpoint(), checkpointIntervalMs);
  for (let at = 0; at < records.length; at += batchRecords) {
    await partition.fold(records.slice(at, at + batchRecords));
    // What is read from a log gives timers their turn.
    await new Promise((resolve) => setImmediate(resolve));
  }
  clearInterval(timer);
  await checkpoint.settled();
  await partition.drained();
  await partition.checkpoint();
  // Two: a cut may have been waiting for its outputs.
  await partition.checkpoint();
  const seconds = (performance.now() - startedMs) / 1000;
  const { user, system } = process.cpuUsage(startedCpu);
  const events = records.length;
  return {
    ...{ events, eventsPerS: Math.round(events / seconds) },
    cpuUs: (user + system) / events,
  };
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
