import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { decisionsFold } from '@paycrawl/analytics/projection/decisions-fold';
import { fail } from '@paycrawl/errors/paycrawl-error';
import type { EventLog } from '@paycrawl/event-log/event-log';
import { physicalTopic, type TopicName } from '@paycrawl/events/topics';
import { decodeEntity } from '@paycrawl/fold/entity';
import type { Caused, Fold, LogOutput } from '@paycrawl/fold/fold';
import { createLogSink, deadLetterOf } from '@paycrawl/fold/log-sink';
import { createPartition, type Partition } from '@paycrawl/fold/partition';
import { restoreSnapshot } from '@paycrawl/fold/snapshot';
import { openStore, type Store } from '@paycrawl/fold/store';
import { meteringFold } from '@paycrawl/metering/books/decide';
import { settlementFold } from '@paycrawl/settlement/batches/decide';
import { admission } from '@paycrawl/verifier/admission/decide';

/** One partition of a fold of the old generation, owned by the migration beside its owner. */
export interface OldFold {
  readonly partition: number;
  /** Folds up to where the input ends now; resolves to the outputs that say something. */
  toEnd(): Promise<number>;
  get<Value>(key: string): Value | undefined;
  entries(): [key: string, value: unknown][];
  nowMs(): number;
  close(): Promise<void>;
}

export const oldFoldNames = ['verifier', 'metering', 'settlement', 'analytics'] as const;
export type OldFoldName = (typeof oldFoldNames)[number];

const snapshots: Readonly<Record<OldFoldName, TopicName | undefined>> = {
  verifier: 'snapshots-verifier',
  metering: 'snapshots-metering',
  settlement: 'snapshots-settlement',
  // A projection writes none: its crawls are folded from the beginning.
  analytics: undefined,
};

export interface OldFoldsOptions {
  readonly log: EventLog;
  readonly scratch: string;
  /** False: nothing is written, also no outputs. */
  readonly mayWrite: boolean;
}

const readRecords = 1_000;

/**
 * One more owner of each partition, with a store of its own: by ADR 0001 it writes what every
 * other owner writes, and consumers drop the repetition.
 */
export async function openOldFold(
  options: OldFoldsOptions,
  name: OldFoldName,
  partition: number,
): Promise<OldFold> {
  // Only counted, never looked into: the outputs of a projection are rows.
  const fold = foldOf(name) as Fold<unknown>;
  const { log } = options;
  const source = { topic: physicalTopic(fold.input), partition };
  const directory = join(options.scratch, name, String(partition));
  mkdirSync(directory, { recursive: true });
  const store = openStore(directory);
  const topic = snapshots[name];
  if (topic !== undefined) {
    await restoreSnapshot(log, { topic: physicalTopic(topic), partition }, store);
  }
  const mayWrite = options.mayWrite && name !== 'analytics';
  const sink = mayWrite ? createLogSink(log, fold.name) : undefined;
  const told = { outputs: 0, broken: undefined as unknown };
  const folding = createPartition<unknown>({
    ...{ fold, partition, store },
    sink: {
      write: async (outputs) => sink?.write(outputs as Caused<LogOutput>[], partition),
      close: async () => {},
    },
    deadLetter: name === 'analytics' ? () => [] : deadLetterOf(fold.name),
    onFolded: (outputs) => {
      told.outputs += outputs.filter(({ output }) => saysSomething(output)).length;
    },
    onBroken: (error) => {
      told.broken = error;
    },
  });
  let nextOffset = folding.nextOffset;
  return {
    partition,
    async toEnd() {
      const before = told.outputs;
      nextOffset = await foldToEnd(log, source, folding, nextOffset);
      return told.outputs - before;
    },
    get: (key) => folding.working.view.get(key),
    entries: () => entriesOf(store),
    nowMs: () => store.position().nowMs,
    async close() {
      await sink?.close();
      await store.close();
    },
  };
}

/** Proofs that come to a closed generation are answered for ever and change nothing. */
function saysSomething(output: unknown): boolean {
  const { type, data } = output as { type?: string; data?: { code?: string } };
  return !(type === 'PaymentRejected' && data?.code === 'generation_closed');
}

function foldOf(name: OldFoldName): Fold<never> | Fold<LogOutput> {
  switch (name) {
    case 'verifier':
      return admission as Fold<never>;
    case 'metering':
      return meteringFold;
    case 'settlement':
      return settlementFold;
    case 'analytics':
      return decisionsFold as unknown as Fold<never>;
    default:
      return name satisfies never;
  }
}

async function foldToEnd(
  log: EventLog,
  source: { topic: string; partition: number },
  folding: Partition<unknown>,
  fromOffset: number,
): Promise<number> {
  const { earliest, next } = await log.offsets(source);
  if (earliest > fromOffset) {
    throw fail(
      'migration_state_unknown',
      `${source.topic}/${source.partition} begins at ${earliest}`,
    );
  }
  let nextOffset = fromOffset;
  while (nextOffset < next) {
    const records = await log.read(source, nextOffset, readRecords);
    const last = records.at(-1);
    if (last === undefined) break;
    await folding.fold(records);
    nextOffset = last.offset + 1;
  }
  await folding.drained();
  // Two: a cut may have been waiting for its outputs.
  await folding.checkpoint();
  await folding.checkpoint();
  return nextOffset;
}

function entriesOf(store: Store): [string, unknown][] {
  return [...store.snapshot().entries].map(([key, value]) => [key, decodeEntity(value)]);
}
