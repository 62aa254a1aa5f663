import type { GroupMember, GroupOptions } from '../event-log.js';
import { partitionKey } from './assign.js';
import type { Cluster } from './cluster.js';
import { createCommitter } from './committer.js';
import { brokerFault, groupFaults, isTransient, kafkaTypeOf, throwIfRefused } from './faults.js';
import { createHoldings, type Holdings } from './holdings.js';
import { leaveForLastLife } from './last-life.js';
import { type Link, openLink } from './link.js';
import { assignAsLeader, encodeClaim, parseAssignment, protocolName } from './membership.js';
import { backOffMs, pause } from './patience.js';
import type { Joined } from './protocol.js';
import { createPulse, type Pulse } from './pulse.js';

interface Member {
  readonly cluster: Cluster;
  readonly options: GroupOptions;
  readonly pulse: Pulse;
  readonly holdings: Holdings;
  memberId: string;
  generation: number;
  link: Link | undefined;
  /** Something was let go: the group must hear of it before another member can have it. */
  mustRejoin: boolean;
  isClosing: boolean;
  isDone: boolean;
  failures: number;
  wake: () => void;
}

/**
 * A member of a group. It lives in one loop, join, sync, heartbeats, that no fault ends: whatever
 * happens it comes back to the join. Handlers run beside the loop and never hold it up.
 */
export async function joinKafkaGroup(
  cluster: Cluster,
  options: GroupOptions,
): Promise<GroupMember> {
  for (const topic of options.topics) await cluster.partitionsOf(topic);
  const pulse = createPulse(cluster.settings.sessionTimeoutMs);
  const holdings = createHoldings(cluster, options, pulse, () => {
    member.mustRejoin = true;
    member.wake();
  });
  const member: Member = {
    cluster,
    options,
    pulse,
    holdings,
    memberId: '',
    generation: -1,
    link: undefined,
    mustRejoin: false,
    isClosing: false,
    isDone: false,
    failures: 0,
    wake: () => undefined,
  };
  const committer = createCommitter(cluster, options.groupId, () => member);
  const living = live(member);
  let closing: Promise<void> | undefined;
  return {
    async commit(place, nextOffset) {
      // Not (any more) ours: a zombie must not set back its heir.
      if (!holdings.has(partitionKey(place.topic, place.partition))) return;
      await committer.commit(place, nextOffset);
    },
    close() {
      closing ??= closeMember(member, living).finally(() => committer.close());
      return closing;
    },
  };
}

async function closeMember(member: Member, living: Promise<void>): Promise<void> {
  member.isClosing = true;
  // Heartbeats go on meanwhile: nobody else gets what is still being worked on.
  await member.holdings.release();
  member.isDone = true;
  member.wake();
  member.link?.close();
  await living;
  await leave(member);
}

async function live(member: Member): Promise<void> {
  await leaveForLastLife(member.cluster, member.options.groupId);
  while (!isOver(member)) {
    try {
      member.mustRejoin = false;
      const link = await linkOf(member);
      const keys = await joinAndSync(member, link);
      member.failures = 0;
      if (!member.isClosing) member.holdings.hold(new Set(keys));
      await beat(member, link);
    } catch (error) {
      if (!isOver(member)) await recover(member, error);
    }
  }
}

function isOver({ isDone, cluster }: Member): boolean {
  return isDone || cluster.isClosed;
}

async function linkOf(member: Member): Promise<Link> {
  const { cluster, options } = member;
  if (member.link?.isOpen === true) return member.link;
  member.link = await openLink(await cluster.coordinator(options.groupId), cluster.settings);
  if (isOver(member)) member.link.close();
  return member.link;
}

async function joinAndSync(member: Member, link: Link): Promise<string[]> {
  const { cluster, options } = member;
  const joined = await join(member, link);
  member.memberId = joined.memberId;
  member.generation = joined.generationId;
  const groupAssignment =
    joined.leaderId === joined.memberId ? await assignAsLeader(cluster, joined.members) : [];
  const askedMs = performance.now();
  const { errorCode, memberAssignment } = await link.request(
    'SyncGroup',
    {
      groupId: options.groupId,
      generationId: joined.generationId,
      memberId: joined.memberId,
      groupAssignment,
    },
    cluster.settings.rebalanceTimeoutMs,
  );
  throwIfRefused(errorCode, 'to sync with the group');
  member.pulse.beat(askedMs);
  return parseAssignment(memberAssignment);
}

async function join(member: Member, link: Link): Promise<Joined> {
  const { cluster, options, holdings, isClosing } = member;
  const { sessionTimeoutMs, rebalanceTimeoutMs } = cluster.settings;
  for (;;) {
    const metadata = encodeClaim(options.topics, holdings.keys(), isClosing);
    const joined = await link.request(
      'JoinGroup',
      {
        groupId: options.groupId,
        sessionTimeout: sessionTimeoutMs,
        rebalanceTimeout: rebalanceTimeoutMs,
        memberId: member.memberId,
        protocolType: 'consumer',
        groupProtocols: [{ name: protocolName, metadata }],
      },
      // It answers when all have joined, or when those who have not were given up.
      sessionTimeoutMs + rebalanceTimeoutMs,
    );
    if (joined.errorCode === 0) return joined;
    const fault = brokerFault(joined.errorCode, 'to join the group');
    if (kafkaTypeOf(fault) !== groupFaults.memberIdRequired) throw fault;
    member.memberId = joined.memberId;
  }
}

/** Until the group wants to share out again, or this member has let go of something. */
async function beat(member: Member, link: Link): Promise<void> {
  const { cluster, options } = member;
  while (!isOver(member)) {
    if (!member.mustRejoin) await sleep(member, cluster.settings.heartbeatMs);
    if (isOver(member) || (member.mustRejoin && !member.isClosing)) return;
    member.mustRejoin = false;
    const { memberId, generation: groupGenerationId } = member;
    const askedMs = performance.now();
    const { errorCode } = await link.request('Heartbeat', {
      groupId: options.groupId,
      groupGenerationId,
      memberId,
    });
    const fault = brokerFault(errorCode, 'a heartbeat');
    const isRebalance = kafkaTypeOf(fault) === groupFaults.rebalance;
    if (errorCode !== 0 && !isRebalance) throw fault;
    // Still a member, whatever is shared out next.
    member.pulse.beat(askedMs);
    if (isRebalance) return;
  }
}

function sleep(member: Member, waitMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, waitMs);
    member.wake = () => {
      clearTimeout(timer);
      resolve();
    };
  });
}

async function recover(member: Member, error: unknown): Promise<void> {
  const kafka = kafkaTypeOf(error) ?? '';
  if (kafka === groupFaults.rebalance || kafka === groupFaults.generation) return;
  if (kafka === groupFaults.unknownMember || kafka === groupFaults.fenced) {
    // The group went on without this member: what it holds is somebody else's by now.
    member.memberId = '';
    member.generation = -1;
    await member.holdings.release();
    return;
  }
  if (!isTransient(error)) member.options.onError(error);
  member.link?.close();
  member.link = undefined;
  member.cluster.doubt();
  await pause(backOffMs(member.cluster.settings, member.failures));
  member.failures += 1;
}

const leaveTimeoutMs = 1_000;

/** A courtesy: without it the others would wait for the end of the session. */
async function leave({ cluster, options, memberId }: Member): Promise<void> {
  if (memberId === '' || cluster.isClosed) return;
  const { groupId } = options;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, leaveTimeoutMs);
  });
  const asked = cluster
    .coordinator(groupId)
    .then((address) => cluster.ask(address, 'LeaveGroup', { groupId, memberId }));
  await Promise.race([asked.catch(() => undefined), late]);
  clearTimeout(timer);
}
