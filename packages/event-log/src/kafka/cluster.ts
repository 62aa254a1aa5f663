import { fail } from '@paycrawl/errors/paycrawl-error';
import type { TopicPartition } from '../event-log.js';
import { isRefusal } from '../refusal.js';
import { brokerFault, connectionFault, throwIfRefused } from './faults.js';
import { type Address, type Link, openLink } from './link.js';
import { persist, until } from './patience.js';
import type { Api, TopicMetadata } from './protocol.js';
import type { KafkaSettings } from './settings.js';

/** What this process knows about the brokers: who leads what, and links for short questions. */
export interface Cluster {
  readonly settings: KafkaSettings;
  /** Fails with `log_unknown_partition` where there is no such topic or partition. */
  requirePartition(place: TopicPartition): Promise<void>;
  /** The same without a question, if the answer is known. */
  hasPartition(place: TopicPartition): boolean;
  partitionsOf(topic: string): Promise<number>;
  leader(place: TopicPartition): Promise<Address>;
  coordinator(groupId: string): Promise<Address>;
  /** What is known about leaders and coordinators is doubtful. */
  doubt(): void;
  /** All topics of the brokers, asked now. */
  allTopics(): Promise<TopicMetadata[]>;
  brokersCount(): Promise<number>;
  /** Asks a broker that must answer at once; `undefined` = any broker. */
  ask<A extends keyof Api>(
    address: Address | undefined,
    api: A,
    payload: Api[A][0],
    waitMs?: number,
  ): Promise<Api[A][1]>;
  /** Runs a question with the patience of a question, and fails `log_closed` after the close. */
  question<T>(attempt: () => Promise<T>): Promise<T>;
  readonly isClosed: boolean;
  close(): void;
}

interface State {
  readonly settings: KafkaSettings;
  readonly bootstrap: readonly Address[];
  readonly nodes: Map<number, Address>;
  /** Leaders by partition; -1 = none at the moment. */
  readonly leaders: Map<string, number[]>;
  readonly coordinators: Map<string, Address>;
  readonly links: Map<string, Promise<Link>>;
  refreshing: Promise<void> | undefined;
  /** Topics that the next refresh asks for, beside those that are known. */
  readonly wanted: Set<string>;
  isDoubtful: boolean;
  turn: number;
  isClosed: boolean;
}

export function createCluster(settings: KafkaSettings): Cluster {
  const state: State = {
    settings,
    bootstrap: settings.brokers.map(parseAddress),
    nodes: new Map(),
    leaders: new Map(),
    coordinators: new Map(),
    links: new Map(),
    refreshing: undefined,
    wanted: new Set(),
    isDoubtful: false,
    turn: 0,
    isClosed: false,
  };
  return {
    settings,
    async requirePartition(place) {
      if (!hasPartition(state, place)) await partitionsOf(state, place.topic);
      if (hasPartition(state, place)) return;
      const { topic, partition } = place;
      throw fail('log_unknown_partition', `There is no partition ${partition} of ${topic}.`);
    },
    hasPartition: (place) => hasPartition(state, place),
    partitionsOf: (topic) => partitionsOf(state, topic),
    leader: (place) => leader(state, place),
    coordinator: (groupId) => coordinator(state, groupId),
    doubt() {
      state.isDoubtful = true;
      state.coordinators.clear();
    },
    async allTopics() {
      const { topicMetadata } = await metadata(state, []);
      return topicMetadata.filter(({ isInternal }) => !isInternal);
    },
    async brokersCount() {
      await refresh(state);
      return state.nodes.size;
    },
    ask: (address, api, payload, waitMs) => ask(state, address, api, payload, waitMs),
    question: (attempt) => question(state, attempt),
    get isClosed() {
      return state.isClosed;
    },
    close() {
      state.isClosed = true;
      for (const link of state.links.values()) void link.then((open) => open.close(), ignore);
      state.links.clear();
    },
  };
}

function ignore(): void {}

function parseAddress(broker: string): Address {
  const at = broker.lastIndexOf(':');
  // [::1]:9092
  const host = broker.slice(0, at).replace(/^\[(.*)\]$/, '$1');
  return { host, port: Number.parseInt(broker.slice(at + 1), 10) };
}

function hasPartition({ leaders }: State, { topic, partition }: TopicPartition): boolean {
  return leaders.get(topic)?.[partition] !== undefined;
}

async function partitionsOf(state: State, topic: string): Promise<number> {
  const known = state.leaders.get(topic);
  if (known !== undefined) return known.length;
  await question(state, () => refresh(state, topic));
  const found = state.leaders.get(topic);
  if (found !== undefined) return found.length;
  throw fail('log_unknown_partition', `There is no topic ${topic}.`);
}

async function leader(state: State, place: TopicPartition): Promise<Address> {
  const { topic, partition } = place;
  if (state.isDoubtful || !hasPartition(state, place)) await refresh(state, topic);
  const node = state.leaders.get(topic)?.[partition];
  const address = node === undefined ? undefined : state.nodes.get(node);
  if (address !== undefined) return address;
  state.isDoubtful = true;
  throw connectionFault(`No broker leads ${topic}/${partition}.`);
}

async function coordinator(state: State, groupId: string): Promise<Address> {
  const known = state.coordinators.get(groupId);
  if (known !== undefined) return known;
  const { errorCode, coordinator: found } = await ask(state, undefined, 'GroupCoordinator', {
    groupId,
    coordinatorType: 0,
  });
  throwIfRefused(errorCode, 'to name the coordinator of a group');
  const { host, port } = found;
  state.coordinators.set(groupId, { host, port });
  return { host, port };
}

/** Everybody who asks meanwhile gets the same answer, and the next one is for all of them. */
async function refresh(state: State, topic?: string): Promise<void> {
  if (topic !== undefined) state.wanted.add(topic);
  if (state.refreshing !== undefined) await state.refreshing.catch(ignore);
  if (!state.isDoubtful && topic !== undefined && state.leaders.has(topic)) return;
  state.refreshing ??= refreshNow(state).finally(() => {
    state.refreshing = undefined;
  });
  return state.refreshing;
}

async function refreshNow(state: State): Promise<void> {
  const wanted = new Set([...state.leaders.keys(), ...state.wanted]);
  state.wanted.clear();
  if (wanted.size === 0) {
    // An empty list would mean all topics; the brokers come with any answer.
    await metadata(state, ['__consumer_offsets']);
    return;
  }
  const { topicMetadata } = await metadata(state, [...wanted]);
  let isWhole = true;
  for (const { topic: name, topicErrorCode, partitionMetadata } of topicMetadata) {
    // What exists for us is not forgotten: another broker may not know it yet.
    if (topicErrorCode !== 0) continue;
    const leaders = new Array<number>(partitionMetadata.length).fill(-1);
    for (const { partitionId, leader: node } of partitionMetadata) leaders[partitionId] = node;
    state.leaders.set(name, leaders);
    if (leaders.includes(-1)) isWhole = false;
  }
  state.isDoubtful = !isWhole;
}

async function metadata(state: State, topics: readonly string[]): Promise<Api['Metadata'][1]> {
  const answer = await ask(state, undefined, 'Metadata', {
    topics,
    allowAutoTopicCreation: false,
  });
  if (answer.brokers.length === 0) throw connectionFault('No broker is known.');
  state.nodes.clear();
  for (const { nodeId, host, port } of answer.brokers) state.nodes.set(nodeId, { host, port });
  return answer;
}

async function ask<A extends keyof Api>(
  state: State,
  address: Address | undefined,
  api: A,
  payload: Api[A][0],
  waitMs = 0,
  asked = 1,
): Promise<Api[A][1]> {
  const target = address ?? anyBroker(state);
  try {
    const link = await sharedLink(state, target);
    return await link.request(api, payload, waitMs);
  } catch (error) {
    state.isDoubtful = true;
    if (address !== undefined) throw error;
    // Next time another one, if any will do.
    state.turn += 1;
    // One wrong certificate, or one broker behind the others, says nothing of the others.
    if (!isRefusal(error) || asked >= state.bootstrap.length + state.nodes.size) throw error;
    return ask(state, address, api, payload, waitMs, asked + 1);
  }
}

function anyBroker(state: State): Address {
  // The known ones may all be gone, the first ones too: both are asked in turn.
  const all = [...state.nodes.values(), ...state.bootstrap];
  const address = all[state.turn % all.length];
  if (address === undefined) throw brokerFault(-1, 'as no broker is configured');
  return address;
}

async function sharedLink(state: State, address: Address): Promise<Link> {
  const key = `${address.host}:${address.port}`;
  const known = state.links.get(key);
  if (known !== undefined) {
    const link = await known.catch(() => undefined);
    if (link?.isOpen === true) return link;
    if (state.links.get(key) === known) state.links.delete(key);
    return sharedLink(state, address);
  }
  if (state.isClosed) throw fail('log_closed', 'The event log is closed.');
  const opening = openLink(address, state.settings);
  state.links.set(key, opening);
  return opening;
}

async function question<T>(state: State, attempt: () => Promise<T>): Promise<T> {
  if (state.isClosed) throw fail('log_closed', 'The event log is closed.');
  const patience = until(state.settings.questionTimeoutMs, () => state.isClosed);
  return persist(state.settings, patience, attempt);
}
