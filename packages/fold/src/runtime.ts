import { hasCode } from '@paycrawl/errors/paycrawl-error';
import type {
  EventLog,
  GroupMember,
  Producer,
  TopicPartition,
} from '@paycrawl/event-log/event-log';
import { type AnyEvent, encodeEvent } from '@paycrawl/events/event';
import { physicalTopic, type TopicName } from '@paycrawl/events/topics';
import type { Caused, Fold, ReadView, Sink } from './fold.js';
import { createPartition, type DeadLetter, type Partition } from './partition.js';
import { restoreSnapshot, writeSnapshot } from './snapshot.js';
import type { Store } from './store.js';

/** A partition as its owner's driver sees it: the folded state, and a way to append to the input. */
export interface OwnedPartition {
  readonly partition: number;
  readonly state: ReadView;
  /** Appends to the fold's own input; resolves when durable. */
  append(events: readonly { key: string; event: AnyEvent }[]): Promise<void>;
}

/** Works beside a fold: turns intents in its state into effects and observations. */
export interface Driver<Out> {
  /** After each batch, with its outputs. Must not block: folding goes on. */
  onFolded?(outputs: readonly Caused<Out>[]): void;
  close(): Promise<void>;
}

export interface RuntimeOptions<Out> {
  readonly log: EventLog;
  readonly fold: Fold<Out>;
  readonly groupId: string;
  createSink(partition: number): Sink<Out>;
  openStore(partition: number): Store;
  readonly deadLetter: DeadLetter<Out>;
  createDriver?(owned: OwnedPartition): Driver<Out>;
  readonly snapshots?: { readonly topic: TopicName; readonly intervalMs: number };
  readonly checkpointIntervalMs?: number;
  /** Only to trigger `TimePassed` and timers of the runtime; never seen by the fold. */
  clock(): number;
  /** An unexpected throw, or a record version that this code does not know: the process stops. */
  onFatal(error: unknown): void;
  onRestart?(error: unknown): void;
}

export interface Runtime {
  /** Progress per owned partition: what is durable, and what the log holds. */
  progress(): Promise<{ partition: number; storedOffset: number; logNextOffset: number }[]>;
  close(): Promise<void>;
}

interface Owner<Out> {
  readonly folding: Partition<Out>;
  readonly stop: () => Promise<void>;
}

const checkpointIntervalMsDefault = 200;
const timePassedIntervalMs = 1000;
const restartDelayMs = 250;

/** Runs a fold over every partition that the group gives to this process. */
export async function startRuntime<Out>(options: RuntimeOptions<Out>): Promise<Runtime> {
  const topic = physicalTopic(options.fold.input);
  const owners = new Map<number, Owner<Out>>();
  let member: GroupMember | undefined;
  let closed = false;
  let joining: Promise<void> = join();
  await joining;

  async function join(): Promise<void> {
    member = await options.log.joinGroup({
      groupId: options.groupId,
      topics: [topic],
      onAssign: async ({ partition }) => {
        const owner = await own(options, { topic, partition }, restart, () => member);
        owners.set(partition, owner);
        return owner.folding.nextOffset;
      },
      onRecords: async ({ partition }, records) => {
        const owner = owners.get(partition);
        if (owner === undefined) return;
        try {
          await owner.folding.fold(records);
        } catch (error) {
          if (!hasCode(error, 'fold_broken')) options.onFatal(error);
          throw error;
        }
      },
      onRevoke: async ({ partition }) => {
        const owner = owners.get(partition);
        owners.delete(partition);
        await owner?.stop();
      },
      onError: (error) => restart(error),
    });
  }

  /** The outputs are in doubt: fold again from the last durable position. */
  function restart(error: unknown): void {
    if (closed) return;
    options.onRestart?.(error);
    joining = joining
      .then(() => member?.close())
      .then(() => delay(restartDelayMs))
      .then(() => (closed ? undefined : join()))
      .catch((cause: unknown) => restart(cause));
  }

  return {
    progress: () => progressOf(options.log, topic, owners),
    async close() {
      closed = true;
      await joining.catch(() => {});
      await member?.close();
      await Promise.all([...owners.values()].map((owner) => owner.stop()));
    },
  };
}

async function progressOf<Out>(
  log: EventLog,
  topic: string,
  owners: ReadonlyMap<number, Owner<Out>>,
): Promise<{ partition: number; storedOffset: number; logNextOffset: number }[]> {
  return Promise.all(
    [...owners].map(async ([partition, { folding }]) => ({
      partition,
      storedOffset: folding.stored().nextOffset,
      logNextOffset: (await log.offsets({ topic, partition })).next,
    })),
  );
}

async function own<Out>(
  options: RuntimeOptions<Out>,
  source: TopicPartition,
  restart: (error: unknown) => void,
  member: () => GroupMember | undefined,
): Promise<Owner<Out>> {
  const { log, snapshots } = options;
  const { partition } = source;
  const store = options.openStore(partition);
  const snapshotsAt = snapshots && { topic: physicalTopic(snapshots.topic), partition };
  if (snapshotsAt) await restoreSnapshot(log, snapshotsAt, store);
  const sink = options.createSink(partition);
  const producer = log.producer();
  let driver: Driver<Out> | undefined;
  let stopped = false;
  const folding = createPartition<Out>({
    fold: options.fold,
    partition,
    store,
    sink,
    deadLetter: options.deadLetter,
    onFolded: (outputs) => driver?.onFolded?.(outputs),
    onBroken: restart,
  });
  const append: OwnedPartition['append'] = async (events) => {
    await producer.append(
      events.map(({ key, event }) => ({ ...source, key, value: encodeEvent(event) })),
    );
  };
  driver = options.createDriver?.({ partition, state: folding.working.view, append });

  const checkpoint = singleFlight(async () => {
    const stored = await folding.checkpoint();
    if (stored !== undefined) await member()?.commit(source, stored.nextOffset);
  });
  const timers = [
    every(options.checkpointIntervalMs ?? checkpointIntervalMsDefault, () =>
      checkpoint().catch(restart),
    ),
    every(timePassedIntervalMs, createClockwork(options, folding, producer, source)),
    ...(snapshotsAt === undefined || snapshots === undefined
      ? []
      : [every(snapshots.intervalMs, () => writeSnapshot(log, snapshotsAt, store).catch(restart))]),
  ];

  async function stop(): Promise<void> {
    if (stopped) return;
    stopped = true;
    for (const timer of timers) clearInterval(timer);
    await driver?.close();
    // Two passes: a cut may be waiting already, and folding went on after it.
    const settled = async (): Promise<void> => {
      await folding.drained();
      await checkpoint();
      await checkpoint();
      if (snapshotsAt) await writeSnapshot(log, snapshotsAt, store);
    };
    await settled().catch(() => {});
    await Promise.all([sink.close(), producer.close()]);
    await store.close();
  }
  return { folding, stop };
}

/** Appends `TimePassed` while a timer of the state is due, at most once a second. */
function createClockwork<Out>(
  options: RuntimeOptions<Out>,
  folding: Partition<Out>,
  producer: Producer,
  source: TopicPartition,
): () => Promise<void> {
  let appending = false;
  return async () => {
    const earliestMs = folding.working.earliestTimerMs();
    if (appending || earliestMs === undefined || earliestMs > options.clock()) return;
    appending = true;
    const timeMs = options.clock();
    const id = `${options.fold.name}/${source.partition}/${timeMs}`;
    const event: AnyEvent = {
      type: 'TimePassed',
      id,
      source: options.fold.name,
      timeMs,
      data: {},
    };
    try {
      await producer.append([{ ...source, key: 'time', value: encodeEvent(event) }]);
    } catch {
      // The log cannot be written now; the timer stays due and the next second asks again.
    } finally {
      appending = false;
    }
  };
}

function every(intervalMs: number, work: () => unknown): NodeJS.Timeout {
  return setInterval(work, intervalMs);
}

function delay(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}

/** Calls that come while one is under way share it. */
function singleFlight(work: () => Promise<void>): () => Promise<void> {
  let underWay: Promise<void> | undefined;
  return () => {
    underWay ??= work().finally(() => {
      underWay = undefined;
    });
    return underWay;
  };
}
