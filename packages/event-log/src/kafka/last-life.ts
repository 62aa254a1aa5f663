import type { Cluster } from './cluster.js';

/**
 * A member that was killed stays in its group until its session ends, and every rebalance waits
 * for it. The same instance, started again, knows better: it takes its own last life out of the
 * group before it joins, so that its partitions are shared out at once.
 *
 * Told by the client id, and only where nobody else has it (`isClientIdOurs`). Static membership
 * (KIP-345) would do the same, but kafkajs has no codec of a join with an instance id.
 */
export async function leaveForLastLife(cluster: Cluster, groupId: string): Promise<void> {
  const { clientId, isClientIdOurs } = cluster.settings;
  if (!isClientIdOurs) return;
  try {
    const coordinator = await cluster.coordinator(groupId);
    const { groups } = await cluster.ask(coordinator, 'DescribeGroups', { groupIds: [groupId] });
    for (const { clientId: of, memberId } of groups.flatMap(({ members }) => members)) {
      if (of === clientId) await cluster.ask(coordinator, 'LeaveGroup', { groupId, memberId });
    }
  } catch {
    // A courtesy: without it the group waits as it would for anybody.
  }
}
