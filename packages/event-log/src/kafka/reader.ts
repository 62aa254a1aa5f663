import type { LogRecord, TopicPartition } from '../event-log.js';
import type { Cluster } from './cluster.js';
import { isTransient } from './faults.js';
import { fetchedRecords, fetchRequest, readOffsets } from './fetch.js';
import { type Link, openLink } from './link.js';
import { backOffMs, pause } from './patience.js';

/**
 * Reads one partition for as long as anybody wants, over a connection of its own: a partition
 * whose handler is slow, or that nobody writes to, makes no other one wait.
 */
export interface Reader {
  /** Waits for records from this offset on; empty only when closed. */
  next(fromOffset: number): Promise<LogRecord[]>;
  close(): void;
}

interface State {
  readonly cluster: Cluster;
  readonly place: TopicPartition;
  link: Link | undefined;
  failures: number;
  isClosed: boolean;
}

export function createReader(cluster: Cluster, place: TopicPartition): Reader {
  const state: State = { cluster, place, link: undefined, failures: 0, isClosed: false };
  return {
    next: (fromOffset) => next(state, fromOffset),
    close() {
      state.isClosed = true;
      state.link?.close();
    },
  };
}

async function next(state: State, fromOffset: number): Promise<LogRecord[]> {
  let offset = fromOffset;
  while (!isOver(state)) {
    try {
      const fetched = await fetchOnce(state, offset);
      if (fetched.kind === 'records') {
        state.failures = 0;
        if (fetched.records.length > 0) return fetched.records;
        continue;
      }
      offset = await offsetInRange(state, offset);
    } catch (error) {
      if (isOver(state)) break;
      if (!isTransient(error)) throw error;
      await recover(state);
    }
  }
  return [];
}

function isOver({ isClosed, cluster }: State): boolean {
  return isClosed || cluster.isClosed;
}

async function fetchOnce(state: State, offset: number) {
  const { cluster, place } = state;
  const { fetchWaitMs, fetchBytesMax } = cluster.settings;
  if (state.link?.isOpen !== true) {
    state.link = await openLink(await cluster.leader(place), cluster.settings);
    if (isOver(state)) state.link.close();
  }
  const bounds = { maxWaitMs: fetchWaitMs, bytesMax: fetchBytesMax };
  const request = fetchRequest(place, offset, bounds);
  return fetchedRecords(place, await state.link.request('Fetch', request, fetchWaitMs));
}

/** Expired: on with the earliest. Beyond the end: a new leader may not know all yet; wait. */
async function offsetInRange(state: State, offset: number): Promise<number> {
  const { earliest } = await readOffsets(state.cluster, state.place);
  if (offset < earliest) return earliest;
  await recover(state);
  return offset;
}

async function recover(state: State): Promise<void> {
  state.link?.close();
  state.link = undefined;
  state.cluster.doubt();
  await pause(backOffMs(state.cluster.settings, state.failures));
  state.failures += 1;
}
