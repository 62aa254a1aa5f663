import { fail } from '@paycrawl/errors/paycrawl-error';
import type {
  GroupMember,
  LogRecord,
  Producer,
  TopicPartition,
} from '@paycrawl/event-log/event-log';
import { createRenewingProducer } from '@paycrawl/event-log/renewing-producer';
import { type AnyEvent, encodeEvent } from '@paycrawl/events/event';
import { physicalTopic, type TopicName } from '@paycrawl/events/topics';
import { createPartition, type Partition } from './partition.js';
import type { Driver, OwnedPartition, RuntimeOptions } from './runtime.js';
import { once, singleFlight } from './single-flight.js';
import { restoreSnapshot, setAside, writeSnapshot } from './snapshot.js';
import type { Store } from './store.js';

/** One partition that this process owns, with everything that runs beside its fold. */
export interface Owner<Out> {
  readonly folding: Partition<Out>;
  readonly stop: () => Promise<void>;
}

const checkpointIntervalMsDefault = 200;
const timePassedIntervalMs = 1000;

export async function own<Out>(
  options: RuntimeOptions<Out>,
  source: TopicPartition,
  restart: (error: unknown) => void,
  member: () => GroupMember | undefined,
): Promise<Owner<Out>> {
  const store = options.openStore(source.partition);
  try {
    await prepareStore(options, source, store);
    return ownStore(options, source, store, restart, member);
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function prepareStore<Out>(
  { log, snapshots, fold, clock }: RuntimeOptions<Out>,
  source: TopicPartition,
  store: Store,
): Promise<void> {
  if (snapshots !== undefined) {
    const unreadable: LogRecord[] = [];
    const target = snapshotsOf(snapshots.topic, source);
    await restoreSnapshot(log, target, store, (record) => unreadable.push(record));
    await setAside(log, unreadable, fold.name, clock());
  }
  const { next } = await log.offsets(source);
  const { nextOffset } = store.position();
  if (nextOffset > next) {
    throw fail('fold_ahead_of_log', `${source.topic}/${source.partition}: ${nextOffset} > ${next}`);
  }
}

function ownStore<Out>(
  options: RuntimeOptions<Out>,
  source: TopicPartition,
  store: Store,
  restart: (error: unknown) => void,
  member: () => GroupMember | undefined,
): Owner<Out> {
  const { log, snapshots } = options;
  const { partition } = source;
  const sink = options.createSink(partition);
  const producer = createRenewingProducer(log);
  let driver: Driver<Out> | undefined;
  const folding = createPartition<Out>({
    fold: options.fold,
    partition,
    store,
    sink,
    deadLetter: options.deadLetter,
    ...(options.outputsWaitingMax === undefined
      ? {}
      : { outputsWaitingMax: options.outputsWaitingMax }),
    onFolded: (outputs) => {
      driver?.onFolded?.(outputs);
      options.onFolded?.(outputs);
    },
    onBroken: restart,
    onStep: options.onStep,
  });
  const append: OwnedPartition['append'] = async (events) => {
    await producer.append(
      events.map(({ key, event }) => ({ ...source, key, value: encodeEvent(event) })),
    );
  };
  driver = options.createDriver?.({ partition, state: folding.working.view, append });

  const commit = createCommitter(source, folding, member, options.onStep);
  const checkpoint = singleFlight(async () => {
    await folding.checkpoint();
    await commit();
  });
  const snapshot = singleFlight(createSnapshotter(options, source, store));
  const clockwork = singleFlight(createClockwork(options, folding, producer, source));
  // What came due while nobody owned the partition is told at once.
  void clockwork().catch(ignore);
  const timers = [
    every(options.checkpointIntervalMs ?? checkpointIntervalMsDefault, checkpoint, restart),
    every(timePassedIntervalMs, clockwork, ignore),
    ...(snapshots === undefined ? [] : [every(snapshots.intervalMs, snapshot, restart)]),
  ];

  const stop = once(async () => {
    for (const timer of timers) clearInterval(timer);
    await driver?.close();
    await clockwork.settled();
    await folding
      .drained()
      // Two passes: a cut may be waiting already, and folding went on after it.
      .then(checkpoint)
      .then(checkpoint)
      .then(snapshot)
      // In doubt: the next owner folds again from what the store holds.
      .catch(ignore);
    await Promise.all([checkpoint.settled(), snapshot.settled()]);
    await Promise.all([sink.close(), producer.close()]);
    await store.close();
  });
  return { folding, stop };
}

/**
 * Tells the group what is stored. Nothing is decided by it (a new owner begins at its store), so a
 * failure, as in a rebalance, is no reason to begin again: the next checkpoint tells it.
 */
function createCommitter<Out>(
  source: TopicPartition,
  folding: Partition<Out>,
  member: () => GroupMember | undefined,
  onStep: RuntimeOptions<Out>['onStep'],
): () => Promise<void> {
  let committedOffset = 0;
  return async () => {
    const { nextOffset } = folding.stored();
    const group = member();
    if (group === undefined || nextOffset === committedOffset) return;
    await group.commit(source, nextOffset).then(() => {
      committedOffset = nextOffset;
      onStep?.('committed');
    }, ignore);
  };
}

function snapshotsOf(topic: TopicName, { partition }: TopicPartition): TopicPartition {
  return { topic: physicalTopic(topic), partition };
}

/** Writes a snapshot where the position moved since the last one. */
function createSnapshotter<Out>(
  { log, snapshots }: RuntimeOptions<Out>,
  source: TopicPartition,
  store: Store,
): () => Promise<void> {
  let writtenOffset = store.position().nextOffset;
  return async () => {
    if (snapshots === undefined || store.position().nextOffset === writtenOffset) return;
    const target = snapshotsOf(snapshots.topic, source);
    writtenOffset = (await writeSnapshot(log, target, store)).nextOffset;
  };
}

/** Appends `TimePassed` while a timer of the state is due, at most once a second. */
function createClockwork<Out>(
  { fold, clock }: RuntimeOptions<Out>,
  folding: Partition<Out>,
  producer: Producer,
  source: TopicPartition,
): () => Promise<void> {
  let appendedMs = 0;
  return async () => {
    const timeMs = clock();
    const earliestMs = folding.working.earliestTimerMs();
    if (earliestMs === undefined || earliestMs > timeMs) return;
    // The one before is not folded yet: another one would say nothing more.
    if (folding.working.view.nowMs < appendedMs) return;
    const id = `${fold.name}/${source.partition}/${timeMs}`;
    const event: AnyEvent = { type: 'TimePassed', id, source: fold.name, timeMs, data: {} };
    const [appended] = await producer.append([
      { ...source, key: 'time', value: encodeEvent(event) },
    ]);
    appendedMs = appended?.timestampMs ?? 0;
  };
}

function every(
  intervalMs: number,
  work: () => Promise<void>,
  onError: (error: unknown) => void,
): NodeJS.Timeout {
  return setInterval(() => void work().catch(onError), intervalMs);
}

/** What failed stays due, and the next turn asks again. */
function ignore(): void {}
