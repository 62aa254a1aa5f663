import type { Cluster } from './cluster.js';
import { kafkaType } from './faults.js';
import { type Address, type Link, openLink } from './link.js';

/**
 * Sends to topics that come and go, and to brokers that do: what cannot be sent soon is dropped.
 * Nobody waits for this, nothing is retried, and nothing here is logged once per record.
 */
export interface WakeupSender {
  /** Never throws, never blocks. */
  send(topic: string, values: readonly Buffer[]): void;
  /** Records that were given up so far. */
  dropped(): number;
  close(): void;
}

export interface WakeupSenderOptions {
  /** Bound of records that wait for a broker. */
  readonly queueRecordsMax?: number;
  nowMs(): number;
}

const queueRecordsMaxDefault = 20_000;
/** A topic that is not there is asked for again after this: its ingress may just be starting. */
const absentForMs = 2_000;
/** A broker that failed is left alone for this. */
const restMs = 250;
const routesMax = 2_000;

interface Message {
  readonly key: '';
  readonly value: Buffer;
}

/** One connection to one broker, one request at a time: what comes meanwhile is the next one. */
interface Lane {
  readonly address: Address;
  waiting: Map<string, Message[]>;
  link: Link | undefined;
  isSending: boolean;
}

type Route =
  | { readonly kind: 'lane'; readonly lane: Lane }
  | { readonly kind: 'absent'; readonly untilMs: number };

interface State {
  readonly cluster: Cluster;
  readonly options: WakeupSenderOptions;
  readonly routes: Map<string, Route>;
  readonly lanes: Map<string, Lane>;
  unrouted: Map<string, Message[]>;
  waitingRecords: number;
  dropped: number;
  isRouting: boolean;
  isClosed: boolean;
}

export function createWakeupSender(cluster: Cluster, options: WakeupSenderOptions): WakeupSender {
  const state: State = {
    ...{ cluster, options, routes: new Map(), lanes: new Map(), unrouted: new Map() },
    ...{ waitingRecords: 0, dropped: 0, isRouting: false, isClosed: false },
  };
  return {
    send: (topic, values) => send(state, topic, values),
    dropped: () => state.dropped,
    close() {
      state.isClosed = true;
      for (const { link } of state.lanes.values()) link?.close();
      state.lanes.clear();
    },
  };
}

function send(state: State, topic: string, values: readonly Buffer[]): void {
  const { queueRecordsMax = queueRecordsMaxDefault, nowMs } = state.options;
  const route = state.routes.get(topic);
  const isAbsent = route?.kind === 'absent' && nowMs() < route.untilMs;
  if (state.isClosed || isAbsent || state.waitingRecords + values.length > queueRecordsMax) {
    state.dropped += values.length;
    return;
  }
  state.waitingRecords += values.length;
  const target = route?.kind === 'lane' ? route.lane.waiting : state.unrouted;
  const waiting = target.get(topic);
  const messages = values.map((value): Message => ({ key: '', value }));
  if (waiting === undefined) target.set(topic, messages);
  else waiting.push(...messages);
  if (route?.kind === 'lane') start(state, route.lane);
  else if (!state.isRouting) void findRoutes(state);
}

/** Asks once for all topics that came up meanwhile. */
async function findRoutes(state: State): Promise<void> {
  state.isRouting = true;
  while (state.unrouted.size > 0 && !state.isClosed) {
    const asked = [...state.unrouted.keys()];
    const found = await leadersOf(state, asked).catch(() => undefined);
    for (const topic of asked) {
      const messages = state.unrouted.get(topic) ?? [];
      state.unrouted.delete(topic);
      const address = found?.get(topic);
      if (address === undefined) {
        absent(state, topic, found === undefined ? restMs : absentForMs);
        giveUp(state, messages.length);
        continue;
      }
      const lane = laneTo(state, address);
      setRoute(state, topic, { kind: 'lane', lane });
      lane.waiting.set(topic, [...(lane.waiting.get(topic) ?? []), ...messages]);
      start(state, lane);
    }
  }
  state.isRouting = false;
}

async function leadersOf(
  { cluster }: State,
  topics: readonly string[],
): Promise<Map<string, Address>> {
  const answer = await cluster.ask(undefined, 'Metadata', {
    topics,
    allowAutoTopicCreation: false,
  });
  const nodes = new Map(answer.brokers.map(({ nodeId, ...address }) => [nodeId, address]));
  const leaders = new Map<string, Address>();
  for (const { topic, topicErrorCode, partitionMetadata } of answer.topicMetadata) {
    const address = nodes.get(partitionMetadata[0]?.leader ?? -1);
    if (topicErrorCode === 0 && address !== undefined) leaders.set(topic, address);
  }
  return leaders;
}

function laneTo({ lanes }: State, address: Address): Lane {
  const key = `${address.host}:${address.port}`;
  const known = lanes.get(key);
  if (known !== undefined) return known;
  const lane: Lane = { address, waiting: new Map(), link: undefined, isSending: false };
  lanes.set(key, lane);
  return lane;
}

function start(state: State, lane: Lane): void {
  if (lane.isSending) return;
  lane.isSending = true;
  // What is announced in the same turn goes together.
  queueMicrotask(() => void run(state, lane));
}

async function run(state: State, lane: Lane): Promise<void> {
  while (lane.waiting.size > 0 && !state.isClosed) {
    const batch = lane.waiting;
    lane.waiting = new Map();
    const records = countOf(batch);
    try {
      await produce(state, lane, batch);
      state.waitingRecords -= records;
    } catch {
      giveUp(state, records);
      abandon(state, lane);
    }
  }
  lane.isSending = false;
}

async function produce(state: State, lane: Lane, batch: Map<string, Message[]>): Promise<void> {
  const { settings } = state.cluster;
  if (lane.link?.isOpen !== true) {
    lane.link = await openLink(lane.address, settings);
    if (state.isClosed) lane.link.close();
  }
  const { topics } = await lane.link.request('Produce', {
    // The leader has it: whoever listens asks the leader.
    acks: 1,
    timeout: settings.requestTimeoutMs,
    compression: 0,
    topicData: [...batch].map(([topic, messages]) => ({
      topic,
      partitions: [{ partition: 0, firstSequence: 0, messages }],
    })),
  });
  for (const { topicName, partitions } of topics) {
    for (const { errorCode } of partitions) {
      if (errorCode === 0) continue;
      state.dropped += batch.get(topicName)?.length ?? 0;
      // Deleted: its ingress went away. Anything else: another broker leads by now.
      if (kafkaType(errorCode) === 'UNKNOWN_TOPIC_OR_PARTITION') {
        absent(state, topicName, absentForMs);
      } else state.routes.delete(topicName);
    }
  }
}

/** The broker failed: everything that went there finds its way anew, after a moment. */
function abandon(state: State, lane: Lane): void {
  lane.link?.close();
  lane.link = undefined;
  giveUp(state, countOf(lane.waiting));
  lane.waiting = new Map();
  for (const [topic, route] of state.routes) {
    if (route.kind === 'lane' && route.lane === lane) absent(state, topic, restMs);
  }
}

function absent(state: State, topic: string, forMs: number): void {
  setRoute(state, topic, { kind: 'absent', untilMs: state.options.nowMs() + forMs });
}

function setRoute({ routes, options }: State, topic: string, route: Route): void {
  routes.set(topic, route);
  if (routes.size <= routesMax) return;
  // Ingresses come and go for months: those that are gone are forgotten.
  for (const [name, old] of routes) {
    if (old.kind === 'absent' && old.untilMs < options.nowMs()) routes.delete(name);
  }
}

function giveUp(state: State, records: number): void {
  state.waitingRecords -= records;
  state.dropped += records;
}

function countOf(batch: ReadonlyMap<string, readonly Message[]>): number {
  let count = 0;
  for (const messages of batch.values()) count += messages.length;
  return count;
}
