import { fail } from '@paycrawl/errors/paycrawl-error';
import type { Cluster } from './cluster.js';
import { brokerFault, connectionFault, throwIfRefused } from './faults.js';
import { type Address, type Link, openLink } from './link.js';
import { persist, until } from './patience.js';
import type { ProducedTopic, ProduceRequest } from './protocol.js';
import type { Batch, Share } from './share.js';

/** Brings batches into the log, one after the other, each exactly once. */
export interface Delivery {
  /** Resolves when every share is acknowledged; a rejection ends the use of this delivery. */
  deliver(batch: Batch): Promise<void>;
  close(): void;
}

interface State {
  readonly cluster: Cluster;
  readonly links: Map<string, Link>;
  /** The next sequence number and the end of what was acknowledged, by partition. */
  readonly sequences: Map<string, number>;
  readonly ends: Map<string, number>;
  identity: { readonly producerId: string; readonly producerEpoch: number } | undefined;
  isClosed: boolean;
}

export function createDelivery(cluster: Cluster): Delivery {
  const state: State = {
    cluster,
    links: new Map(),
    sequences: new Map(),
    ends: new Map(),
    identity: undefined,
    isClosed: false,
  };
  return {
    deliver: (batch) => deliver(state, batch),
    close() {
      state.isClosed = true;
      for (const link of state.links.values()) link.close();
      state.links.clear();
    },
  };
}

async function deliver(state: State, batch: Batch): Promise<void> {
  const { cluster } = state;
  const { settings } = cluster;
  const isOver = () => state.isClosed || cluster.isClosed;
  const patience = until(settings.deliveryTimeoutMs, isOver);
  await persist(settings, patience, () => identify(state));
  number(state, batch);
  const open = new Map(batch.shares);
  await persist(settings, patience, () => attempt(state, open));
}

/** A new producer id long before sequence numbers run out; nothing is in flight at this point. */
async function identify(state: State): Promise<void> {
  const { cluster, sequences } = state;
  const highest = Math.max(0, ...sequences.values());
  if (state.identity !== undefined && highest <= cluster.settings.sequenceMax) return;
  const answer = await cluster.ask(undefined, 'InitProducerId', {
    transactionalId: null,
    transactionTimeout: 60_000,
  });
  throwIfRefused(answer.errorCode, 'a producer id');
  const { producerId, producerEpoch } = answer;
  state.identity = { producerId, producerEpoch };
  sequences.clear();
}

function number({ sequences }: State, { shares }: Batch): void {
  for (const [key, share] of shares) {
    share.firstSequence = sequences.get(key) ?? 0;
    sequences.set(key, share.firstSequence + share.records.length);
  }
}

/** Sends what is not acknowledged yet to its leaders; fails if anything is left. */
async function attempt(state: State, open: Map<string, Share>): Promise<void> {
  const { cluster } = state;
  const byLeader = new Map<string, { address: Address; shares: Share[] }>();
  for (const share of open.values()) {
    const address = await cluster.leader(share);
    const key = `${address.host}:${address.port}`;
    const known = byLeader.get(key);
    if (known === undefined) byLeader.set(key, { address, shares: [share] });
    else known.shares.push(share);
  }
  const outcomes = await Promise.allSettled(
    [...byLeader].map(([key, { address, shares }]) => send(state, key, address, shares, open)),
  );
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed === undefined && open.size === 0) return;
  cluster.doubt();
  throw failed?.reason ?? connectionFault('A broker did not answer for every partition.');
}

async function send(
  state: State,
  key: string,
  address: Address,
  shares: readonly Share[],
  open: Map<string, Share>,
): Promise<void> {
  const { cluster, identity } = state;
  const { settings } = cluster;
  if (identity === undefined) throw fail('log_unavailable', 'The producer has no id.');
  let link = state.links.get(key);
  if (link?.isOpen !== true) {
    link = await openLink(address, settings);
    if (state.isClosed) link.close();
    state.links.set(key, link);
  }
  try {
    const answer = await link.request('Produce', {
      acks: -1,
      // The broker gives up waiting for replicas before this side gives up waiting for it.
      timeout: Math.ceil(settings.requestTimeoutMs * 0.8),
      ...identity,
      compression: 0,
      topicData: topicDataOf(shares),
    });
    acknowledge(state, answer.topics, open);
  } catch (error) {
    // Nothing of this attempt is left in flight on this side when the next one begins.
    link.close();
    state.links.delete(key);
    throw error;
  }
}

function topicDataOf(shares: readonly Share[]): ProduceRequest['topicData'] {
  const byTopic = new Map<string, ProduceRequest['topicData'][0]['partitions'][0][]>();
  for (const { topic, partition, firstSequence, records } of shares) {
    const partitions = byTopic.get(topic) ?? [];
    byTopic.set(topic, partitions);
    partitions.push({ partition, firstSequence, messages: records });
  }
  return [...byTopic].map(([topic, partitions]) => ({ topic, partitions }));
}

function acknowledge(
  state: State,
  topics: readonly ProducedTopic[],
  open: Map<string, Share>,
): void {
  let refusal: Error | undefined;
  for (const { topicName, partitions } of topics) {
    for (const { partition, errorCode, baseOffset, logAppendTimeMs } of partitions) {
      const key = `${topicName}/${partition}`;
      const share = open.get(key);
      if (share === undefined) continue;
      if (errorCode !== 0) {
        refusal ??= brokerFault(errorCode, `a batch for ${key}`);
        continue;
      }
      place(state, key, share, baseOffset, logAppendTimeMs);
      open.delete(key);
    }
  }
  if (refusal !== undefined) throw refusal;
}

/**
 * The offset must rise from acknowledgement to acknowledgement: a broker that took a batch for a
 * repetition of an older one answers with the older place, and the batch was never written.
 */
function place(
  { ends }: State,
  key: string,
  share: Share,
  baseOffset: number,
  logAppendTimeMs: number,
): void {
  const end = ends.get(key) ?? 0;
  if (baseOffset < end) {
    throw fail('log_unavailable', `${key}: acknowledged at ${baseOffset}, which ends at ${end}.`);
  }
  ends.set(key, baseOffset + share.records.length);
  let offset = baseOffset;
  for (const appended of share.appended) {
    appended.offset = offset++;
    appended.timestampMs = logAppendTimeMs;
  }
}
