import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fail } from '@paycrawl/errors/paycrawl-error';
import type { EventLog, LogRecord } from '@paycrawl/event-log/event-log';
import { openKafkaLog } from '@paycrawl/event-log/kafka-log';
import { physicalTopic, type TopicName } from '@paycrawl/events/topics';
import { decodeEntity } from '@paycrawl/fold/entity';
import type { Fold } from '@paycrawl/fold/fold';
import { deadLetterOf } from '@paycrawl/fold/log-sink';
import { createPartition } from '@paycrawl/fold/partition';
import { singleFlight } from '@paycrawl/fold/single-flight';
import { restoreSnapshot } from '@paycrawl/fold/snapshot';
import { createMemoryStore, openStore, type Store } from '@paycrawl/fold/store';
import { meteringFold } from '@paycrawl/metering/books/decide';
import { settlementFold } from '@paycrawl/settlement/batches/decide';
import { admission } from '@paycrawl/verifier/admission/decide';
import { partitionsOf } from './log-view.js';
import type { Replayed } from './replayed.js';

// Folds topics from offset 0 into empty stores up to where their owners wrote a snapshot last, as
// a service does, but for writing the outputs once more; prints `Replayed`, a line for each fold.

const snapshotTopics = {
  verifier: 'snapshots-verifier',
  metering: 'snapshots-metering',
  settlement: 'snapshots-settlement',
} as const satisfies Record<string, TopicName>;
type Name = keyof typeof snapshotTopics;

const folds: readonly (readonly [Name, Fold<never>])[] = [
  ['verifier', admission as Fold<never>],
  ['metering', meteringFold as Fold<never>],
  ['settlement', settlementFold as Fold<never>],
];
const checkpointIntervalMs = 200;
/** The first one is a process that just started; the best of the others is one that runs. */
const passes = 5;

const { values } = parseArgs({
  options: {
    brokers: { type: 'string' },
    scratch: { type: 'string' },
    /** This is one of so many processes, which share the partitions as instances do. */
    process: { type: 'string' },
    of: { type: 'string' },
  },
});
const { brokers = '', scratch = '', process: mine = '0', of = '1' } = values;
const log = openKafkaLog({ brokers: brokers.split(','), clientId: 'paycrawl-replay' });
for (const [name, fold] of folds) {
  process.stdout.write(`${JSON.stringify(await replay(name, fold))}\n`);
}
await log.close();

async function replay(name: Name, fold: Fold<never>): Promise<Replayed> {
  const topic = physicalTopic(fold.input);
  const all = Array.from({ length: await partitionsOf(log, topic) }, (_, i) => i);
  const places = all.filter((partition) => String(partition % Number.parseInt(of, 10)) === mine);
  const wanted = await Promise.all(places.map((partition) => snapshotOf(name, partition)));
  const figures = { records: 0, entries: 0, bytes: 0, seconds: [] as number[] };
  const differences: string[] = [];
  for (let pass = 0; pass < passes; pass += 1) {
    const stores = places.map((partition) => storeAt(`${name}-${pass}-${partition}`));
    // From the first record on: connecting takes its time once, however long the topic is.
    let beganMs: number | undefined;
    const onFirst = (): void => {
      beganMs ??= performance.now();
    };
    const counts = await Promise.all(
      places.map((partition, at) => {
        const [target, store] = [wanted[at], stores[at]];
        if (target === undefined || store === undefined) throw fail('internal', 'no store');
        const untilOffset = target.position().nextOffset;
        return foldUntil({ fold, topic, partition, store, untilOffset, onFirst });
      }),
    );
    const tookS = beganMs === undefined ? 0 : (performance.now() - beganMs) / 1000;
    figures.records = counts.reduce((sum, count) => sum + count, 0);
    figures.seconds.push(tookS);
    for (const [at, store] of stores.entries()) {
      const found = compare(wanted[at] ?? store, store);
      if (pass === 0) figures.entries += found.entries;
      if (pass === 0) figures.bytes += found.bytes;
      differences.push(...found.differences.map((one) => `${topic}/${places[at]}: ${one}`));
      await store.close();
    }
  }
  const { seconds, ...rest } = figures;
  const [firstS = 0] = seconds;
  return { fold: name, topic, ...rest, firstS, bestS: Math.min(...seconds), differences };
}

/** The state that an owner handed over last. */
async function snapshotOf(name: Name, partition: number): Promise<Store> {
  const store = createMemoryStore();
  await restoreSnapshot(log, { topic: physicalTopic(snapshotTopics[name]), partition }, store);
  return store;
}

function storeAt(name: string): Store {
  const directory = join(scratch, name);
  mkdirSync(directory, { recursive: true });
  return openStore(directory);
}

interface Way {
  readonly fold: Fold<never>;
  readonly topic: string;
  readonly partition: number;
  readonly store: Store;
  readonly untilOffset: number;
  onFirst(): void;
}

async function foldUntil(way: Way): Promise<number> {
  const { fold, topic, partition, store, untilOffset, onFirst } = way;
  const folding = createPartition<never>({
    ...{ fold, partition, store },
    sink: { write: async () => {}, close: async () => {} },
    deadLetter: deadLetterOf(fold.name) as never,
    onBroken: (error) => {
      throw error;
    },
  });
  const checkpoint = singleFlight(async () => void (await folding.checkpoint()));
  const timer = setInterval(() => void checkpoint(), checkpointIntervalMs);
  let folded = 0;
  const take = async (records: readonly LogRecord[]): Promise<boolean> => {
    onFirst();
    const before = records.filter(({ offset }) => offset < untilOffset);
    await folding.fold(before);
    folded += before.length;
    return (records.at(-1)?.offset ?? -1) + 1 >= untilOffset;
  };
  if (untilOffset > 0) await follow(log, { topic, partition }, take);
  clearInterval(timer);
  await checkpoint.settled();
  await folding.drained();
  // Two: a cut may have been waiting for its outputs.
  await folding.checkpoint();
  await folding.checkpoint();
  return folded;
}

/** Reads as services do, until `take` has enough. */
async function follow(
  from: EventLog,
  place: { readonly topic: string; readonly partition: number },
  take: (records: readonly LogRecord[]) => Promise<boolean>,
): Promise<void> {
  const enough = { resolve: () => {}, reject: (_: unknown) => {} };
  const finished = new Promise<void>((resolve, reject) => {
    Object.assign(enough, { resolve, reject });
  });
  const tail = await from.tail({
    ...{ ...place, fromOffset: 0, onError: (error) => enough.reject(error) },
    onRecords: async (records) => {
      if (await take(records)) enough.resolve();
    },
  });
  await finished;
  await tail.close();
}

function compare(wanted: Store, found: Store) {
  const [left, right] = [wanted.snapshot(), found.snapshot()];
  const differences: string[] = [];
  if (JSON.stringify(left.position) !== JSON.stringify(right.position)) {
    differences.push(`${JSON.stringify(left.position)} is ${JSON.stringify(right.position)}`);
  }
  const others = new Map(right.entries);
  let [entries, bytes] = [0, 0];
  for (const [key, value] of left.entries) {
    entries += 1;
    bytes += key.length + value.length;
    const other = others.get(key);
    others.delete(key);
    if (other?.equals(value) !== true)
      differences.push(`${key}: ${textOf(value)} is ${textOf(other)}`);
  }
  for (const key of others.keys()) differences.push(`${key} is not in the snapshot`);
  return { entries, bytes, differences: differences.slice(0, 5) };
}

function textOf(value: Buffer | undefined): string {
  const plain = (_: string, one: unknown) => (typeof one === 'bigint' ? `${one}` : one);
  return value === undefined ? 'missing' : JSON.stringify(decodeEntity(value), plain);
}
