import type { LogRecord } from '../event-log.js';
import type { Cluster } from './cluster.js';
import { kafkaTypeOf, throwIfRefused } from './faults.js';
import { readOffsets } from './fetch.js';
import { pause } from './patience.js';
import { createReader, type Reader } from './reader.js';
import { createWakeupTopic, deleteWakeupTopics, placeOf } from './wakeup-topics.js';

/** Reads one topic from its end for as long as it is open; makes it, and makes it again. */
export interface WakeupListener {
  /** Whether what is sent from now on is heard. */
  isListening(): boolean;
  /** Why it is not, as far as it was told. */
  trouble(): unknown;
  /** Takes the topic away, if a broker is there to do it. */
  close(): Promise<void>;
}

export interface WakeupListenerOptions {
  readonly topic: string;
  readonly heartbeatMs: number;
  onRecords(records: readonly LogRecord[]): void;
}

interface State extends WakeupListenerOptions {
  readonly cluster: Cluster;
  reader: Reader | undefined;
  isListening: boolean;
  trouble: unknown;
  isClosed: boolean;
}

const startAgainMs = 250;
/** Empty: nothing to decode, and no event looks like it. */
const signOfLife = Buffer.alloc(0);

export function createWakeupListener(
  cluster: Cluster,
  options: WakeupListenerOptions,
): WakeupListener {
  const state: State = {
    ...{ cluster, ...options, reader: undefined, isListening: false, isClosed: false },
    trouble: undefined,
  };
  const done = run(state);
  const heartbeat = setInterval(() => void beat(state), options.heartbeatMs);
  heartbeat.unref();
  return {
    isListening: () => state.isListening,
    trouble: () => state.trouble,
    async close() {
      state.isClosed = true;
      clearInterval(heartbeat);
      state.reader?.close();
      await done;
      // Whoever sweeps finds it otherwise.
      await deleteWakeupTopics(cluster, [state.topic]).catch(() => undefined);
    },
  };
}

async function run(state: State): Promise<void> {
  while (!isOver(state)) {
    try {
      await listen(state);
    } catch (error) {
      // Nothing is lost by it but time, and whoever waits knows how to do without.
      state.trouble = error;
    }
    state.isListening = false;
    if (!isOver(state)) await pause(startAgainMs);
  }
}

async function listen(state: State): Promise<void> {
  const { cluster, topic } = state;
  const place = placeOf(topic);
  await createWakeupTopic(cluster, topic);
  let { next: offset } = await cluster.question(() => readOffsets(cluster, place));
  if (isOver(state)) return;
  await cluster.question(() => breathe(state));
  const reader = createReader(cluster, place);
  state.reader = reader;
  state.isListening = true;
  let fetching = reader.next(offset);
  for (;;) {
    const records = await fetching;
    const last = records.at(-1);
    if (last === undefined) return;
    offset = last.offset + 1;
    // The broker has the next question before these are decoded.
    fetching = reader.next(offset);
    // Its failure is of interest only when its turn comes.
    fetching.catch(() => undefined);
    state.onRecords(records);
  }
}

/** A topic that was taken away while this process was frozen is made again. */
async function beat(state: State): Promise<void> {
  if (!state.isListening) return;
  try {
    await breathe(state);
  } catch (error) {
    // Anything else is over by the next time, or noticed by the reader.
    if (kafkaTypeOf(error) === 'UNKNOWN_TOPIC_OR_PARTITION') state.reader?.close();
  }
}

async function breathe({ cluster, topic }: State): Promise<void> {
  const address = await cluster.leader(placeOf(topic));
  const messages = [{ key: '', value: signOfLife }];
  const { topics } = await cluster.ask(address, 'Produce', {
    acks: 1,
    timeout: cluster.settings.requestTimeoutMs,
    compression: 0,
    topicData: [{ topic, partitions: [{ partition: 0, firstSequence: 0, messages }] }],
  });
  const code = topics[0]?.partitions[0]?.errorCode ?? 0;
  if (code !== 0) cluster.doubt();
  throwIfRefused(code, `a sign of life in ${topic}`);
}

function isOver({ isClosed, cluster }: State): boolean {
  return isClosed || cluster.isClosed;
}
