import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import type { GroupStore } from '../groups/member.js';
import { emptyGroup, type GroupState, ownerKey } from '../groups/share-out.js';
import { transact } from './transact.js';

/** Membership and commits of all groups, in an environment of their own. */
export interface LmdbGroups extends GroupStore {
  /** Rings members for what other processes changed. */
  poll(): void;
  close(): Promise<void>;
}

type Key = string[];

/**
 * With lmdb-js' overlapping sync a change is visible at once and durable a little later: a slow
 * disk must not end leases, and a lost commit only means that a fold's own position decides.
 */
function openGroups(directory: string): RootDatabase<unknown, Key> {
  const place = path.join(directory, 'groups');
  mkdirSync(place, { recursive: true });
  return open<unknown, Key>({
    path: place,
    noSubdir: false,
    encoding: 'json',
    maxDbs: 1,
    mapSize: 64 * 1024 ** 2,
  });
}

/** The machine's monotonic clock: the same in all processes, unmoved by changes of the time. */
function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}

export interface LmdbGroupsOptions {
  readonly directory: string;
  readonly leaseMs: number;
  partitionsOf(topic: string): number;
}

export function openLmdbGroups(options: LmdbGroupsOptions): LmdbGroups {
  const db = openGroups(options.directory);
  const listeners = new Map<string, Set<() => void>>();
  const seen = new Map<string, number>();
  const ring = (groupId: string, version: number) => {
    seen.set(groupId, version);
    for (const listener of listeners.get(groupId) ?? []) listener();
  };
  return {
    partitionsOf: options.partitionsOf,
    // Three chances before a lease ends.
    heartbeatMs: Math.max(1, Math.floor(options.leaseMs / 4)),
    async update(groupId, change) {
      const before = { version: 0 };
      const after = { version: 0 };
      const result = await transact(db, () => {
        const state = stateOf(db.get(['state', groupId]));
        before.version = state.version;
        const lease = { nowMs: monotonicMs(), leaseMs: options.leaseMs };
        const outcome = change(state, lease);
        after.version = state.version;
        db.put(['state', groupId], state);
        if (before.version !== after.version) db.put(['version', groupId], after.version);
        return outcome;
      });
      if (before.version !== after.version) ring(groupId, after.version);
      return result;
    },
    subscribe(groupId, listener) {
      const members = listeners.get(groupId) ?? new Set();
      listeners.set(groupId, members);
      members.add(listener);
      return () => {
        members.delete(listener);
        if (members.size === 0) listeners.delete(groupId);
      };
    },
    committed(groupId, { topic, partition }) {
      db.resetReadTxn();
      const offset = db.get(['commit', groupId, topic, String(partition)]);
      return typeof offset === 'number' ? offset : undefined;
    },
    async commit(groupId, memberId, { topic, partition }, nextOffset) {
      await transact(db, () => {
        const { owners } = stateOf(db.get(['state', groupId]));
        if (owners[ownerKey(topic, partition)] !== memberId) return;
        db.put(['commit', groupId, topic, String(partition)], nextOffset);
      });
    },
    poll() {
      if (listeners.size === 0) return;
      db.resetReadTxn();
      for (const groupId of listeners.keys()) {
        const version = versionOf(db, groupId);
        if (version !== seen.get(groupId)) ring(groupId, version);
      }
    },
    close: () => db.close(),
  };
}

/** An unreadable version counts as a change: the members then meet the error and report it. */
function versionOf(db: RootDatabase<unknown, Key>, groupId: string): number {
  try {
    const version = db.get(['version', groupId]);
    return typeof version === 'number' ? version : 0;
  } catch {
    return Number.NaN;
  }
}

function stateOf(value: unknown): GroupState {
  // Written by `update` alone.
  return value === undefined ? emptyGroup() : (value as GroupState);
}
