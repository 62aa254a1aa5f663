import type { GroupOptions, LogRecord, TopicPartition } from '../event-log.js';
import type { Pump } from '../pump.js';
import { parsePartitionKey } from './assign.js';
import type { Cluster } from './cluster.js';
import { readCommitted } from './fetch.js';
import { follow } from './follow.js';
import { persist } from './patience.js';
import type { Pulse } from './pulse.js';

/** One partition in the hands of this member, from before `onAssign` until after `onRevoke`. */
interface Holding {
  readonly partition: TopicPartition;
  isStopping: boolean;
  pump: Pump | undefined;
  /** The end of the last step that was begun for it. */
  settled: Promise<void>;
}

export interface Holdings {
  keys(): string[];
  has(key: string): boolean;
  /** Starts and stops until exactly these are held; never waits for a handler. */
  hold(keys: ReadonlySet<string>): void;
  /** Stops all and waits for every last batch and `onRevoke`. */
  release(): Promise<void>;
}

interface State {
  readonly cluster: Cluster;
  readonly options: GroupOptions;
  readonly pulse: Pulse;
  readonly held: Map<string, Holding>;
  /** Called when a partition was let go: another member may have it now. */
  readonly onReleased: () => void;
  wanted: ReadonlySet<string>;
}

const nothing: ReadonlySet<string> = new Set();

export function createHoldings(
  cluster: Cluster,
  options: GroupOptions,
  pulse: Pulse,
  onReleased: () => void,
): Holdings {
  const state: State = { cluster, options, pulse, held: new Map(), onReleased, wanted: nothing };
  return {
    keys: () => [...state.held.keys()],
    has: (key) => state.held.has(key),
    hold: (keys) => hold(state, keys),
    async release() {
      hold(state, nothing);
      await Promise.all([...state.held.values()].map(({ settled }) => settled));
    },
  };
}

function hold(state: State, keys: ReadonlySet<string>): void {
  state.wanted = keys;
  for (const [key, holding] of state.held) {
    if (!keys.has(key)) stop(state, key, holding);
  }
  for (const key of keys) {
    if (!state.held.has(key)) start(state, key);
  }
}

function start(state: State, key: string): void {
  const holding: Holding = {
    partition: parsePartitionKey(key),
    isStopping: false,
    pump: undefined,
    settled: Promise.resolve(),
  };
  state.held.set(key, holding);
  holding.settled = begin(state, holding);
}

async function begin(state: State, holding: Holding): Promise<void> {
  const { cluster, options } = state;
  const { partition } = holding;
  const { groupId, batchRecordsMax, lingerMs } = options;
  const patience = {
    deadlineMs: Number.POSITIVE_INFINITY,
    isOver: () => holding.isStopping || cluster.isClosed,
  };
  try {
    const committed = await persist(cluster.settings, patience, () =>
      readCommitted(cluster, groupId, partition),
    );
    if (holding.isStopping) return;
    const fromOffset = await options.onAssign(partition, committed);
    if (holding.isStopping) return;
    holding.pump = follow(cluster, {
      ...partition,
      fromOffset,
      batchRecordsMax,
      lingerMs,
      onRecords: (records) => handle(state, holding, records),
      onError: (error) => options.onError(error),
    });
  } catch (error) {
    if (!patience.isOver()) options.onError(error);
  }
}

/** Nothing new is begun while it is in doubt whether the partition is still this member's. */
async function handle(
  { options, pulse }: State,
  holding: Holding,
  records: readonly LogRecord[],
): Promise<void> {
  while (!pulse.isFresh() && !holding.isStopping) await pulse.next();
  if (!holding.isStopping) await options.onRecords(holding.partition, records);
}

function stop(state: State, key: string, holding: Holding): void {
  if (holding.isStopping) return;
  holding.isStopping = true;
  state.pulse.wake();
  const begun = holding.settled;
  holding.settled = end(state, key, holding, begun);
}

/** The order is the promise: last batch, onRevoke, and only then may another member have it. */
async function end(
  state: State,
  key: string,
  holding: Holding,
  begun: Promise<void>,
): Promise<void> {
  try {
    await begun;
    await holding.pump?.stop();
    await state.options.onRevoke(holding.partition);
  } catch (error) {
    state.options.onError(error);
  }
  state.held.delete(key);
  // Given back while it was being let go: it begins anew.
  if (state.wanted.has(key)) start(state, key);
  else state.onReleased();
}
