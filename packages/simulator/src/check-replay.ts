import type { LogRecord } from '@paycrawl/event-log/event-log';
import { type Cause, isApplied } from '@paycrawl/events/envelope';
import { decodeEvent, encodeEvent } from '@paycrawl/events/event';
import { physicalTopic, type TopicName } from '@paycrawl/events/topics';
import type { Caused, Fold, LogOutput } from '@paycrawl/fold/fold';
import { deadLetterOf, eventOf } from '@paycrawl/fold/log-sink';
import { createPartition } from '@paycrawl/fold/partition';
import { createMemoryStore, type Store } from '@paycrawl/fold/store';
import { meteringFold } from '@paycrawl/metering/books/decide';
import { settlementFold } from '@paycrawl/settlement/batches/decide';
import { admission } from '@paycrawl/verifier/admission/decide';
import { furthest } from './furthest.js';
import type { Service } from './planted.js';
import { createLife } from './timeline.js';
import type { World } from './world.js';

const folds = [
  { fold: admission as Fold<LogOutput>, outputs: ['decisions'] },
  { fold: meteringFold, outputs: ['ledger', 'charges'] },
  { fold: settlementFold, outputs: ['settlements', 'payments'] },
] as const;

/**
 * The log from offset 0 into empty state: the same outputs as stand in the log, byte for byte,
 * each once and in order after dropping; and the same state as the owners kept.
 */
export async function checkReplays(world: World): Promise<void> {
  for (let partition = 0; partition < world.plan.partitions; partition++) {
    for (const { fold: owned, outputs } of folds) {
      const fold = planted(world, owned);
      const expected = await replay(world, fold, partition);
      for (const topic of outputs) checkOutputs(world, fold, topic, partition, expected);
    }
  }
}

/** With the same mistake: what a replay finds is that history decided, not the records. */
function planted(world: World, fold: Fold<LogOutput>): Fold<LogOutput> {
  const place = { world, life: createLife('replay'), service: fold.name as Service };
  return world.planted.fold?.(fold, place) ?? fold;
}

/** Folds everything; compares the state where the furthest owner stands. */
async function replay(
  world: World,
  fold: Fold<LogOutput>,
  partition: number,
): Promise<Caused<LogOutput>[]> {
  const outputs: Caused<LogOutput>[] = [];
  const store = createMemoryStore();
  const owner = createPartition<LogOutput>({
    ...{ fold, partition, store, deadLetter: deadLetterOf(fold.name), onBroken: () => {} },
    sink: { write: async (caused) => void outputs.push(...caused), close: async () => {} },
  });
  const records = world.broker.all({ topic: physicalTopic(fold.input), partition });
  const kept = furthest(world, fold.name, partition);
  const upTo = kept?.position().nextOffset ?? 0;
  await owner.fold(records.slice(0, upTo));
  await owner.drained();
  await owner.checkpoint();
  if (kept !== undefined && bytesOf(kept) !== bytesOf(store)) {
    world.find('state_differs', `${fold.name}/${partition}`, firstDifference(kept, store));
  }
  await owner.fold(records.slice(upTo));
  await owner.drained();
  return outputs;
}

function bytesOf(store: Store): string {
  const { position, entries } = store.snapshot();
  const lines = [...entries].map(([key, value]) => `${key}=${value.toString('base64')}`);
  return [JSON.stringify(position), ...lines].join('\n');
}

function firstDifference(kept: Store, replayed: Store): string {
  const [a, b] = [kept, replayed].map((one) => bytesOf(one).split('\n'));
  const at = (a ?? []).findIndex((line, index) => line !== b?.[index]);
  return `kept ${a?.[at]?.slice(0, 90)}, replayed ${b?.[at]?.slice(0, 90)}`;
}

function checkOutputs(
  world: World,
  fold: Fold<LogOutput>,
  topic: TopicName,
  partition: number,
  outputs: readonly Caused<LogOutput>[],
): void {
  const records = world.broker.all({ topic: physicalTopic(topic), partition });
  const standing = firstAppearances(records, fold.name);
  const expected = outputs
    .filter(({ output }) => output.topic === topic)
    .map((caused) => encodeEvent(eventOf(caused.output, { ...caused, source: fold.name })));
  const at = expected.findIndex((bytes, index) => standing[index]?.equals(bytes) !== true);
  if (at < 0 && standing.length === expected.length) return;
  const place = `${topic}/${partition}, output ${at < 0 ? expected.length : at} of ${fold.name}`;
  const [found, wanted] = [standing[at < 0 ? expected.length : at], expected[at]];
  const text = (bytes: Buffer | undefined) => bytes?.toString().slice(0, 120) ?? 'nothing';
  world.find('outputs_not_replayed', place, `stands ${text(found)}, replayed ${text(wanted)}`);
}

function firstAppearances(records: readonly LogRecord[], source: string): Buffer[] {
  let applied: { offset: number; index: number } | undefined;
  return records.flatMap(({ value }) => {
    const decoded = decodeEvent(value);
    if (decoded.kind !== 'event') return [];
    const cause: Cause | undefined = decoded.event.cause;
    if (cause === undefined || decoded.event.source !== source) return [];
    if (isApplied(applied, cause)) return [];
    applied = { offset: cause[2], index: cause[3] };
    return [value];
  });
}
