import type { GroupMember, GroupOptions, TopicPartition } from '../event-log.js';
import { batchRecordsMaxDefault, type Pump, type RecordSource, startPump } from '../pump.js';
import {
  type GroupState,
  join,
  type Lease,
  leave,
  parseOwnerKey,
  reconcile,
  release,
  type Share,
} from './share-out.js';

/** Where groups are kept; memory or LMDB. */
export interface GroupStore {
  /** Applies `change` to the group's state, alone among all processes. */
  update<T>(groupId: string, change: (state: GroupState, lease: Lease) => T): Promise<T>;
  /** Calls `listener` when the group changed, or may have. */
  subscribe(groupId: string, listener: () => void): () => void;
  partitionsOf(topic: string): number;
  committed(groupId: string, partition: TopicPartition): number | undefined;
  /** Without effect unless the member owns the partition: a zombie must not set back its heir. */
  commit(
    groupId: string,
    memberId: string,
    partition: TopicPartition,
    nextOffset: number,
  ): Promise<void>;
  /** How often a member must renew its lease; undefined where members cannot die alone. */
  readonly heartbeatMs: number | undefined;
}

/** One partition in the hands of this member, from onAssign to onRevoke. */
interface Holding {
  readonly partition: TopicPartition;
  isStopping: boolean;
  pump: Pump | undefined;
  /** The end of the last step that was begun for it. */
  settled: Promise<void>;
}

interface Member {
  readonly id: string;
  readonly store: GroupStore;
  readonly source: RecordSource;
  readonly options: GroupOptions;
  readonly holdings: Map<string, Holding>;
  isClosing: boolean;
  isReconciling: boolean;
  isRungAgain: boolean;
  reconciled: Promise<void>;
}

export async function joinAsMember(
  store: GroupStore,
  source: RecordSource,
  options: GroupOptions,
): Promise<GroupMember> {
  for (const topic of options.topics) store.partitionsOf(topic);
  const { groupId, topics } = options;
  const id = await store.update(groupId, (state, lease) => join(state, topics, lease));
  const member: Member = {
    id,
    store,
    source,
    options,
    holdings: new Map(),
    isClosing: false,
    isReconciling: false,
    isRungAgain: false,
    reconciled: Promise.resolve(),
  };
  const wake = () => wakeMember(member);
  const unsubscribe = store.subscribe(groupId, wake);
  const { heartbeatMs } = store;
  const timer = heartbeatMs === undefined ? undefined : setInterval(wake, heartbeatMs);
  wake();
  return {
    commit: (partition, nextOffset) => store.commit(groupId, id, partition, nextOffset),
    async close() {
      if (member.isClosing) return;
      member.isClosing = true;
      unsubscribe();
      await closeMember(member);
      // The lease is kept alive until everything is revoked.
      clearInterval(timer);
    },
  };
}

function wakeMember(member: Member): void {
  if (member.isReconciling) {
    member.isRungAgain = true;
    return;
  }
  member.isReconciling = true;
  member.reconciled = reconcileUntilQuiet(member);
}

async function reconcileUntilQuiet(member: Member): Promise<void> {
  try {
    do {
      member.isRungAgain = false;
      await reconcileOnce(member);
    } while (member.isRungAgain);
  } catch (error) {
    member.options.onError(error);
  } finally {
    member.isReconciling = false;
  }
}

async function reconcileOnce(member: Member): Promise<void> {
  const { store, options, id, isClosing } = member;
  if (isClosing) return renewOnly(member);
  const partitionsOf = (topic: string) => store.partitionsOf(topic);
  const share = await store.update(options.groupId, (state, lease) =>
    reconcile(state, id, options.topics, partitionsOf, lease),
  );
  applyShare(member, share);
}

async function renewOnly(member: Member): Promise<void> {
  await member.store.update(member.options.groupId, (state, { nowMs, leaseMs }) => {
    const me = state.members[member.id];
    if (me !== undefined) me.leaseUntilMs = nowMs + leaseMs;
  });
}

/** Starts every step and waits for none: a slow revoke must not stop the heartbeat. */
function applyShare(member: Member, share: Share): void {
  if (member.isClosing) return;
  for (const [key, holding] of member.holdings) {
    if (!share.owned.has(key)) stopHolding(member, key, holding, false);
  }
  for (const key of share.surplus) {
    const holding = member.holdings.get(key);
    if (holding !== undefined) stopHolding(member, key, holding, true);
  }
  const surplus = new Set(share.surplus);
  for (const key of share.owned) {
    if (!member.holdings.has(key) && !surplus.has(key)) startHolding(member, key);
  }
}

function startHolding(member: Member, key: string): void {
  const partition = parseOwnerKey(key);
  const holding: Holding = {
    partition,
    isStopping: false,
    pump: undefined,
    settled: Promise.resolve(),
  };
  member.holdings.set(key, holding);
  holding.settled = beginHolding(member, holding);
}

async function beginHolding(member: Member, holding: Holding): Promise<void> {
  const { options, store, source } = member;
  const { partition } = holding;
  try {
    const committed = store.committed(options.groupId, partition);
    const fromOffset = await options.onAssign(partition, committed);
    if (holding.isStopping) return;
    holding.pump = startPump(source, {
      ...partition,
      fromOffset,
      batchRecordsMax: options.batchRecordsMax ?? batchRecordsMaxDefault,
      lingerMs: options.lingerMs,
      onRecords: (records) => options.onRecords(partition, records),
      onError: (error) => options.onError(error),
    });
  } catch (error) {
    options.onError(error);
  }
}

function stopHolding(member: Member, key: string, holding: Holding, gives: boolean): void {
  if (holding.isStopping) return;
  holding.isStopping = true;
  const begun = holding.settled;
  holding.settled = endHolding(member, key, holding, begun, gives);
}

/** The order is the promise: last batch, onRevoke, and only then may another member have it. */
async function endHolding(
  member: Member,
  key: string,
  holding: Holding,
  begun: Promise<void>,
  gives: boolean,
): Promise<void> {
  const { options, store, id } = member;
  try {
    await begun;
    await holding.pump?.stop();
    await options.onRevoke(holding.partition);
  } catch (error) {
    options.onError(error);
  }
  member.holdings.delete(key);
  try {
    if (gives) await store.update(options.groupId, (state) => release(state, id, key));
    if (!member.isClosing) wakeMember(member);
  } catch (error) {
    options.onError(error);
  }
}

async function closeMember(member: Member): Promise<void> {
  await member.reconciled;
  const { holdings, store, options, id } = member;
  for (const [key, holding] of holdings) stopHolding(member, key, holding, false);
  await Promise.all([...holdings.values()].map((holding) => holding.settled));
  await store.update(options.groupId, (state) => leave(state, id));
}
