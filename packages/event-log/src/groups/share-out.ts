/**
 * Who owns which partition of a group, as one value that every member changes by the same pure
 * functions inside a transaction. Without a coordinator: whoever changes it applies the rules.
 */

export interface GroupState {
  nextSeq: number;
  /** By member id. */
  members: Record<string, MemberState>;
  /** By `ownerKey`. A partition that a member gives up stays here until it was revoked. */
  owners: Record<string, string>;
  /** Rises with every change that members must hear of. */
  version: number;
}

export interface MemberState {
  /** Order of joining: earlier members get the remainder of an uneven share. */
  readonly seq: number;
  readonly topics: readonly string[];
  leaseUntilMs: number;
}

export interface Lease {
  readonly nowMs: number;
  readonly leaseMs: number;
}

export interface Share {
  /** Owned from now on; the caller starts with them. */
  readonly claimed: string[];
  /** Owned, but due to another member: to be revoked and then released. */
  readonly surplus: string[];
  /** All that the state says this member owns, `claimed` included. */
  readonly owned: ReadonlySet<string>;
}

export function emptyGroup(): GroupState {
  return { nextSeq: 0, members: {}, owners: {}, version: 0 };
}

export function ownerKey(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}

export function parseOwnerKey(key: string): { topic: string; partition: number } {
  const at = key.lastIndexOf('/');
  return { topic: key.slice(0, at), partition: Number.parseInt(key.slice(at + 1), 10) };
}

export function join(state: GroupState, topics: readonly string[], lease: Lease): string {
  const seq = state.nextSeq;
  state.nextSeq += 1;
  const id = `m${seq}`;
  state.members[id] = { seq, topics, leaseUntilMs: lease.nowMs + lease.leaseMs };
  state.version += 1;
  return id;
}

export function leave(state: GroupState, memberId: string): void {
  if (state.members[memberId] === undefined) return;
  delete state.members[memberId];
  dropOwnersWithoutMember(state);
  state.version += 1;
}

export function release(state: GroupState, memberId: string, key: string): void {
  if (state.owners[key] !== memberId) return;
  delete state.owners[key];
  state.version += 1;
}

/**
 * Renews this member's lease, ends what other members' leases held, and takes what is free up to
 * this member's share. A member that was silent for too long finds itself removed and begins anew.
 */
export function reconcile(
  state: GroupState,
  memberId: string,
  topics: readonly string[],
  partitionsOf: (topic: string) => number,
  lease: Lease,
): Share {
  const me = state.members[memberId];
  const leaseUntilMs = lease.nowMs + lease.leaseMs;
  if (me === undefined) {
    state.members[memberId] = { seq: state.nextSeq, topics, leaseUntilMs };
    state.nextSeq += 1;
    state.version += 1;
  } else me.leaseUntilMs = leaseUntilMs;
  dropExpiredMembers(state, lease);
  const claimed: string[] = [];
  const surplus: string[] = [];
  const owned = new Set<string>();
  for (const topic of topics) {
    const quota = quotaOf(state, memberId, topic, partitionsOf(topic));
    const keys = Array.from({ length: partitionsOf(topic) }, (_, p) => ownerKey(topic, p));
    let mine = keys.filter((key) => state.owners[key] === memberId).length;
    for (const key of keys) {
      if (state.owners[key] !== undefined || mine >= quota) continue;
      state.owners[key] = memberId;
      claimed.push(key);
      mine += 1;
    }
    const held = keys.filter((key) => state.owners[key] === memberId);
    for (const key of held) owned.add(key);
    surplus.push(...held.slice(quota));
  }
  if (claimed.length > 0) state.version += 1;
  return { claimed, surplus, owned };
}

function quotaOf(state: GroupState, memberId: string, topic: string, partitions: number): number {
  const sharers = Object.entries(state.members)
    .filter(([, member]) => member.topics.includes(topic))
    .sort(([, a], [, b]) => a.seq - b.seq)
    .map(([id]) => id);
  const rank = sharers.indexOf(memberId);
  const each = Math.floor(partitions / sharers.length);
  return each + (rank < partitions % sharers.length ? 1 : 0);
}

/** A lease that ends impossibly late was given before the machine's clock began anew. */
function dropExpiredMembers(state: GroupState, lease: Lease): void {
  let dropped = false;
  for (const [id, { leaseUntilMs }] of Object.entries(state.members)) {
    if (leaseUntilMs >= lease.nowMs && leaseUntilMs <= lease.nowMs + 10 * lease.leaseMs) continue;
    delete state.members[id];
    dropped = true;
  }
  if (!dropped) return;
  dropOwnersWithoutMember(state);
  state.version += 1;
}

function dropOwnersWithoutMember(state: GroupState): void {
  for (const [key, owner] of Object.entries(state.owners)) {
    if (state.members[owner] === undefined) delete state.owners[key];
  }
}
