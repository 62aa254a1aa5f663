/**
 * Who gets which partition, decided by the group's leader. Cooperative: a member keeps what it
 * has as far as its share goes; what is too much stays with nobody in this round, until its
 * holder has let go and joined again without it (KIP-429, on the classic group protocol). So a
 * rebalance stops only the partitions that move, and none has two living holders.
 */
export interface Claimant {
  readonly memberId: string;
  readonly topics: readonly string[];
  /** Keys of partitions that this member holds, also while it is letting go. */
  readonly holds: readonly string[];
  /** It is about to leave: it gets nothing new. */
  readonly isLeaving: boolean;
}

export type Assignment = ReadonlyMap<string, readonly string[]>;

/** `partitionsOf`: number of partitions of every topic that any member names. */
export function assign(
  claimants: readonly Claimant[],
  partitionsOf: ReadonlyMap<string, number>,
): Assignment {
  const members = [...claimants].sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
  const assigned = new Map(members.map(({ memberId }) => [memberId, [] as string[]]));
  for (const topic of [...partitionsOf.keys()].sort()) {
    assignTopic(topic, partitionsOf.get(topic) ?? 0, members, assigned);
  }
  return assigned;
}

function assignTopic(
  topic: string,
  partitions: number,
  members: readonly Claimant[],
  assigned: Map<string, string[]>,
): void {
  const interested = members.filter(({ topics }) => topics.includes(topic));
  const staying = interested.filter(({ isLeaving }) => !isLeaving);
  const holders = holdersOf(topic, partitions, interested);
  const quotas = quotasOf(topic, partitions, staying, holders);
  const free: string[] = [];
  const kept = new Map<string, number>();
  for (let partition = 0; partition < partitions; partition += 1) {
    const key = partitionKey(topic, partition);
    const holder = holders.get(key);
    if (holder === undefined) {
      free.push(key);
      continue;
    }
    const has = kept.get(holder) ?? 0;
    // Beyond the quota: nobody's, until the holder comes again without it.
    if (has >= (quotas.get(holder) ?? 0)) continue;
    kept.set(holder, has + 1);
    assigned.get(holder)?.push(key);
  }
  for (const { memberId } of staying) {
    const missing = (quotas.get(memberId) ?? 0) - (kept.get(memberId) ?? 0);
    assigned.get(memberId)?.push(...free.splice(0, Math.max(0, missing)));
  }
}

function holdersOf(
  topic: string,
  partitions: number,
  interested: readonly Claimant[],
): Map<string, string> {
  const holders = new Map<string, string>();
  for (const { memberId, holds } of interested) {
    for (const key of holds) {
      const { topic: named, partition } = parsePartitionKey(key);
      // Two claims would mean that one of them is a zombie: the first in order may go on.
      if (named === topic && partition < partitions && !holders.has(key)) {
        holders.set(key, memberId);
      }
    }
  }
  return holders;
}

/** Even shares; who holds most gets the odd ones, so that as little as possible moves. */
function quotasOf(
  topic: string,
  partitions: number,
  staying: readonly Claimant[],
  holders: ReadonlyMap<string, string>,
): Map<string, number> {
  const held = new Map<string, number>();
  for (const holder of holders.values()) held.set(holder, (held.get(holder) ?? 0) + 1);
  const order = [...staying].sort(
    (a, b) =>
      (held.get(b.memberId) ?? 0) - (held.get(a.memberId) ?? 0) ||
      rank(topic, a.memberId) - rank(topic, b.memberId),
  );
  const even = Math.floor(partitions / Math.max(1, order.length));
  const odd = partitions % Math.max(1, order.length);
  return new Map(order.map(({ memberId }, at) => [memberId, even + (at < odd ? 1 : 0)]));
}

/** Spreads the odd partitions of several topics over the members. */
function rank(topic: string, memberId: string): number {
  let hash = 0;
  for (const character of topic + memberId) {
    hash = (Math.imul(hash, 31) + (character.codePointAt(0) ?? 0)) | 0;
  }
  return hash;
}

export function partitionKey(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}

export function parsePartitionKey(key: string): { topic: string; partition: number } {
  const at = key.lastIndexOf('/');
  return { topic: key.slice(0, at), partition: Number.parseInt(key.slice(at + 1), 10) };
}
