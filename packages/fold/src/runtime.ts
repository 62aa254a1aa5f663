import { hasCode } from '@paycrawl/errors/paycrawl-error';
import type { EventLog, GroupMember, GroupOptions } from '@paycrawl/event-log/event-log';
import type { AnyEvent } from '@paycrawl/events/event';
import { groupOf, physicalTopic, type TopicName } from '@paycrawl/events/topics';
import type { Caused, Fold, ReadView, Sink } from './fold.js';
import { type Owner, own } from './owner.js';
import type { DeadLetter } from './partition.js';
import type { FoldStep } from './steps.js';
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
  /** Of an older generation, for projections; by default the one in force. */
  readonly topic?: string;
  readonly groupId: string;
  createSink(partition: number): Sink<Out>;
  openStore(partition: number): Store;
  readonly deadLetter: DeadLetter<Out>;
  createDriver?(owned: OwnedPartition): Driver<Out>;
  readonly snapshots?: { readonly topic: TopicName; readonly intervalMs: number };
  readonly checkpointIntervalMs?: number;
  /** Nobody waits for this fold: its input may gather this long. */
  readonly inputLingerMs?: number;
  /** Bound of outputs that wait for the sink, per partition; above it nothing is folded. */
  readonly outputsWaitingMax?: number;
  /** Only to trigger `TimePassed` and timers of the runtime; never seen by the fold. */
  clock(): number;
  /** An unexpected throw, or a record version that this code does not know: the process stops. */
  onFatal(error: unknown): void;
  onRestart?(error: unknown): void;
  /** After each batch, with its outputs, for who counts or traces. Must not block or throw. */
  onFolded?: ((outputs: readonly Caused<Out>[]) => void) | undefined;
  /** Told after each named step; only tests listen. */
  onStep?: ((step: FoldStep) => void) | undefined;
}

export interface PartitionProgress {
  readonly topic: string;
  readonly partition: number;
  /** What is durable, and what the log holds. */
  readonly storedOffset: number;
  readonly logNextOffset: number;
}

export interface PartitionStanding extends PartitionProgress {
  /** Append time of the oldest record that is not in the durable state; undefined: none. */
  readonly oldestUncommittedMs: number | undefined;
}

export interface Runtime {
  /** Per owned partition. */
  progress(): Promise<PartitionProgress[]>;
  /** The same, with ages: reads a record of each partition that stands still. */
  standing(): Promise<PartitionStanding[]>;
  close(): Promise<void>;
}

const restartDelayMs = 250;

/** Runs a fold over every partition that the group gives to this process. */
export async function startRuntime<Out>(options: RuntimeOptions<Out>): Promise<Runtime> {
  const topic = options.topic ?? physicalTopic(options.fold.input);
  const owners: Owners<Out> = new Map();
  let member: GroupMember | undefined;
  let state: 'running' | 'restarting' | 'ended' = 'running';
  let joining: Promise<void> = join();
  await joining;

  async function join(): Promise<void> {
    member = await options.log.joinGroup({
      groupId: groupOf(options.groupId, topic),
      ...inputOf(options, topic),
      onAssign: async ({ partition }) => {
        const owner = await own(options, { topic, partition }, restart, () => member);
        owners.set(partition, owner);
        return owner.folding.nextOffset;
      },
      onRecords: async ({ partition }, records) => {
        try {
          await owners.get(partition)?.folding.fold(records);
        } catch (error) {
          if (!isOwnershipInDoubt(error)) stop(error);
          throw error;
        }
      },
      onRevoke: ({ partition }) => disown(owners, partition),
      onError: restart,
    });
  }

  async function leave(): Promise<void> {
    await member?.close();
    await Promise.all([...owners.keys()].map((partition) => disown(owners, partition)));
  }

  /** The outputs or the ownership are in doubt: fold again from the last durable position. */
  function restart(error: unknown): void {
    if (state !== 'running') return;
    state = 'restarting';
    options.onRestart?.(error);
    joining = joining
      .catch(() => {})
      .then(leave)
      .catch(() => {})
      .then(() => delay(restartDelayMs))
      .then(() => {
        if (state !== 'restarting') return undefined;
        state = 'running';
        return join();
      })
      .catch(restart);
  }

  /** A record that this code must not pass: nothing is tried again. */
  function stop(error: unknown): void {
    if (state === 'ended') return;
    state = 'ended';
    options.onFatal(error);
  }

  return {
    progress: () => progressOf(options.log, topic, owners),
    standing: () => standingOf(options.log, topic, owners),
    async close() {
      state = 'ended';
      await joining.catch(() => {});
      await leave();
    },
  };
}

function inputOf(
  { inputLingerMs }: Pick<RuntimeOptions<unknown>, 'inputLingerMs'>,
  topic: string,
): Pick<GroupOptions, 'topics' | 'lingerMs'> {
  const topics = [topic];
  return inputLingerMs === undefined ? { topics } : { topics, lingerMs: inputLingerMs };
}

type Owners<Out> = Map<number, Owner<Out>>;

async function disown<Out>(owners: Owners<Out>, partition: number): Promise<void> {
  const owner = owners.get(partition);
  owners.delete(partition);
  await owner?.stop();
}

function isOwnershipInDoubt(error: unknown): boolean {
  return hasCode(error, 'fold_broken') || hasCode(error, 'fold_position_moved');
}

function progressOf<Out>(
  log: EventLog,
  topic: string,
  owners: Readonly<Owners<Out>>,
): Promise<PartitionProgress[]> {
  return Promise.all(
    [...owners].map(async ([partition, { folding }]) => ({
      topic,
      partition,
      storedOffset: folding.stored().nextOffset,
      logNextOffset: (await log.offsets({ topic, partition })).next,
    })),
  );
}

async function standingOf<Out>(
  log: EventLog,
  topic: string,
  owners: Readonly<Owners<Out>>,
): Promise<PartitionStanding[]> {
  const all = await progressOf(log, topic, owners);
  return Promise.all(
    all.map(async (one) => {
      if (one.logNextOffset <= one.storedOffset) return { ...one, oldestUncommittedMs: undefined };
      const foldedMs = owners.get(one.partition)?.folding.oldestFoldedMs();
      // Nothing of it was folded yet: a partition that stands still looks like this.
      const oldestUncommittedMs =
        foldedMs ?? (await log.read(one, one.storedOffset, 1))[0]?.timestampMs;
      return { ...one, oldestUncommittedMs };
    }),
  );
}

function delay(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}
