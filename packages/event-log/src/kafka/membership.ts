import { AssignerProtocol } from 'kafkajs';
import { assign, type Claimant, parsePartitionKey, partitionKey } from './assign.js';
import type { Cluster } from './cluster.js';

/** Members of one group must share out by the same rules: another rule needs another name. */
export const protocolName = 'paycrawl-cooperative-1';

const version = 0;

/** What a member says of itself when it joins. */
export function encodeClaim(
  topics: readonly string[],
  holds: readonly string[],
  isLeaving: boolean,
): Buffer {
  const userData = Buffer.from(JSON.stringify({ holds, isLeaving }));
  return AssignerProtocol.MemberMetadata.encode({ version, topics: [...topics], userData });
}

function parseClaim(memberId: string, metadata: Buffer): Claimant {
  const decoded = AssignerProtocol.MemberMetadata.decode(metadata);
  const topics = decoded?.topics ?? [];
  const said = JSON.parse(decoded?.userData.toString() || '{}') as Partial<Claimant>;
  return { memberId, topics, holds: said.holds ?? [], isLeaving: said.isLeaving === true };
}

export async function assignAsLeader(
  cluster: Cluster,
  members: readonly { readonly memberId: string; readonly memberMetadata: Buffer }[],
): Promise<{ memberId: string; memberAssignment: Buffer }[]> {
  const claimants = members.map((one) => parseClaim(one.memberId, one.memberMetadata));
  const partitionsOf = new Map<string, number>();
  for (const topic of new Set(claimants.flatMap(({ topics }) => topics))) {
    partitionsOf.set(topic, await cluster.partitionsOf(topic));
  }
  return [...assign(claimants, partitionsOf)].map(([memberId, keys]) => ({
    memberId,
    memberAssignment: encodeAssignment(keys),
  }));
}

function encodeAssignment(keys: readonly string[]): Buffer {
  const assignment: Record<string, number[]> = {};
  for (const key of keys) {
    const { topic, partition } = parsePartitionKey(key);
    assignment[topic] = [...(assignment[topic] ?? []), partition];
  }
  return AssignerProtocol.MemberAssignment.encode({
    version,
    assignment,
    userData: Buffer.alloc(0),
  });
}

export function parseAssignment(encoded: Buffer): string[] {
  const decoded = AssignerProtocol.MemberAssignment.decode(encoded);
  return Object.entries(decoded?.assignment ?? {}).flatMap(([topic, partitions]) =>
    partitions.map((partition) => partitionKey(topic, partition)),
  );
}
