import { fail } from '@paycrawl/errors/paycrawl-error';
import type {
  Appended,
  EventLog,
  NewRecord,
  Producer,
  TopicPartition,
} from '@paycrawl/event-log/event-log';
import type { Broker } from './broker.js';
import type { Groups } from './groups.js';
import type { Life, Timeline } from './timeline.js';
import type { Weather } from './weather.js';

export interface LogPortOptions {
  readonly timeline: Timeline;
  readonly weather: Weather;
  readonly broker: Broker;
  readonly groups: Groups;
  /** Draws what becomes of the requests of a process that died. */
  chance(probability: number): boolean;
}

/** The log as one process sees it: every request takes time and may fail, before or after it. */
export function createLogPort(life: Life, options: LogPortOptions): EventLog {
  const { broker, groups } = options;
  const ask = <T>(answer: () => T): Promise<T> => request(life, options, answer);
  return {
    createTopics: (topics) => ask(() => broker.createTopics(topics)),
    topics: () => ask(() => [...broker.topics.values()]),
    offsets: (place) => ask(() => broker.offsets(place)),
    read: (place, fromOffset, recordsMax) => ask(() => broker.read(place, fromOffset, recordsMax)),
    producer: () => createProducer(life, options),
    tail: async () => {
      throw fail('internal', 'nothing here follows a topic without a group');
    },
    joinGroup: async (group) => groups.join(life, group),
    committed: (groupId, place) => ask(() => groups.committed(groupId, place)),
    close: async () => {},
  };
}

/** There and back; a dead process waits for ever. */
function request<T>(life: Life, options: LogPortOptions, answer: () => T): Promise<T> {
  const { timeline, weather } = options;
  if (life.isDead) return never();
  const isLost = weather.happens('read_failed');
  return new Promise((resolve, reject) => {
    timeline.after(weather.delayMs('network'), life, () => {
      if (isLost) return reject(fail('log_unavailable', 'The log did not answer.'));
      try {
        resolve(answer());
      } catch (error) {
        reject(error);
      }
    });
  });
}

function never<T>(): Promise<T> {
  return new Promise(() => {});
}

interface Sending {
  readonly life: Life;
  readonly options: LogPortOptions;
  /** Of the owner of the connection, whose death may cut it off. */
  readonly network: Life;
  arrivesMs: number;
  dead: unknown;
}

/** Order within a producer; after one append failed, no later one is written. */
function createProducer(life: Life, options: LogPortOptions): Producer {
  const network: Life = { name: `${life.name} (network)`, isDead: false, skewMs: 0 };
  const sending: Sending = { life, options, network, arrivesMs: 0, dead: undefined };
  const open = new Set<Promise<unknown>>();
  return {
    append(records) {
      if (life.isDead) return never();
      if (sending.dead !== undefined) return Promise.reject(sending.dead);
      const sent = send(sending, records);
      open.add(sent);
      sent.catch(() => {}).finally(() => open.delete(sent));
      return sent;
    },
    discard() {
      sending.dead ??= fail('log_unavailable', 'The producer was discarded.');
    },
    async close() {
      if (life.isDead) return never();
      await Promise.allSettled(open);
      sending.dead ??= fail('log_closed', 'The producer is closed.');
    },
  };
}

async function send(sending: Sending, records: readonly NewRecord[]): Promise<Appended[]> {
  const { timeline } = sending.options;
  sending.arrivesMs = Math.max(
    sending.arrivesMs,
    timeline.nowMs + sending.options.weather.delayMs('network'),
  );
  return new Promise((resolve, reject) => {
    timeline.after(sending.arrivesMs - timeline.nowMs, sending.network, () =>
      arrive(sending, records, { resolve, reject }),
    );
  });
}

interface Answer {
  resolve(appended: Appended[]): void;
  reject(error: unknown): void;
}

/** At the broker: written or not, and then the acknowledgement is on its way or not. */
function arrive(sending: Sending, records: readonly NewRecord[], answer: Answer): void {
  const { life, options } = sending;
  const { weather, timeline, broker } = options;
  // What a process sent before it died may have come through, a beginning of it at least.
  if (life.isDead && options.chance(0.5)) sending.dead ??= unavailable('died');
  if (sending.dead !== undefined) return reply(sending, () => answer.reject(sending.dead));
  const isLost = weather.happens('append_lost');
  const isUnacknowledged = weather.happens('acknowledgement_lost');
  // Topics are written apart: of a request that failed some may stand, but each whole or not.
  const written = isLost ? partOf(records, options) : records;
  const appended = broker.append(written);
  if (!isLost && !isUnacknowledged) return reply(sending, () => answer.resolve(appended));
  sending.dead = unavailable(isLost ? 'lost' : 'not acknowledged');
  timeline.after(weather.delayMs('network') + 100, life, () => answer.reject(sending.dead));
}

function reply({ life, options }: Sending, deliver: () => void): void {
  options.timeline.after(options.weather.delayMs('network'), life, deliver);
}

function partOf(records: readonly NewRecord[], options: LogPortOptions): readonly NewRecord[] {
  const topics = new Set(records.map(topicOf));
  if (topics.size < 2) return [];
  const kept = new Set([...topics].filter(() => options.chance(0.5)));
  return kept.size === topics.size ? [] : records.filter((record) => kept.has(topicOf(record)));
}

function topicOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}

function unavailable(how: string) {
  return fail('log_unavailable', `The append was ${how}.`);
}
