import { randomBytes } from 'node:crypto';
import { type AnyEvent, encodeEvent } from '@paycrawl/events/event';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import type { EventLog } from '../event-log.js';
import type { OpenWakeups } from '../wakeups.js';
import { type Cluster, createCluster } from './cluster.js';
import {
  type BreakableKafka,
  openSharedKafka,
  startBreakableKafka,
} from './kafka-cluster.given.js';
import { kafkaSettings } from './settings.js';
import {
  createSweeper,
  createWakeupTopic,
  placeOf,
  type Sweeper,
  wakeupTopic,
} from './wakeup-topics.js';
import { createKafkaWakeups, type KafkaWakeupsOptions } from './wakeups.js';

const soon = { timeout: 10_000, interval: 20 };

function open(options: Partial<KafkaWakeupsOptions> = {}): OpenWakeups {
  const brokers = inject('kafkaBrokers');
  const wakeups = createKafkaWakeups({ brokers, clientId: 'test', ...options });
  onTestFinished(() => wakeups.close());
  return wakeups;
}

function ingressId(): string {
  return `ingress-${randomBytes(6).toString('hex')}`;
}

function news(n: number): AnyEvent {
  return { type: 'TimePassed', id: `news/${n}`, source: 'test', timeMs: n, data: {} };
}

async function listen(wakeups: OpenWakeups, id: string) {
  const heard: AnyEvent[] = [];
  const leave = wakeups.subscribe(id, (events) => void heard.push(...events));
  await expect.poll(() => isListening(wakeups), soon).toBe(true);
  return { heard, leave, ids: () => heard.map((event) => event.id) };
}

function isListening(wakeups: OpenWakeups): boolean {
  try {
    wakeups.assertListening();
    return true;
  } catch {
    return false;
  }
}

async function topicsOf(log: EventLog, id: string): Promise<string[]> {
  return (await log.topics()).map(({ name }) => name).filter((name) => name.includes(id));
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n);
}

describe('wake-ups over a broker', () => {
  let log: EventLog;
  beforeAll(() => {
    log = openSharedKafka();
  });
  afterAll(() => log.close());

  test('behavior: heard in order by the one whom they are for, and by nobody else', async () => {
    const [one, other] = [ingressId(), ingressId()];
    const ears = await listen(open(), one);
    const others = await listen(open(), other);
    const verifier = open();
    for (const n of numbers(200)) verifier.publish(one, [news(n)]);
    verifier.publish(other, [news(1), news(2)]);
    await expect.poll(ears.ids, soon).toEqual(numbers(200).map((n) => news(n).id));
    await expect.poll(others.ids, soon).toEqual(['news/1', 'news/2']);
    expect(verifier.dropped()).toBe(0);
  });

  test('behavior: a listener of the same process is told at once', async () => {
    const id = ingressId();
    const both = open();
    const { ids } = await listen(both, id);
    both.publish(id, [news(1)]);
    expect(ids()).toEqual(['news/1']);
  });

  test('behavior: what was sent before somebody listened is not heard', async () => {
    const id = ingressId();
    const verifier = open();
    verifier.publish(id, [news(1)]);
    await expect.poll(verifier.dropped, soon).toBe(1);
    const { ids } = await listen(open(), id);
    await expect
      .poll(() => {
        verifier.publish(id, [news(2)]);
        return ids();
      }, soon)
      .toContain('news/2');
    expect(ids()).not.toContain('news/1');
  });

  test('behavior: an ingress that goes takes its topic with it and nobody else is held up', async () => {
    const [gone, there] = [ingressId(), ingressId()];
    const leaver = open();
    await listen(leaver, gone);
    const { ids } = await listen(open(), there);
    const verifier = open();
    verifier.publish(gone, [news(0)]);
    await leaver.close();
    // The controller has deleted it; brokers hear of that a moment later.
    await expect.poll(() => topicsOf(log, gone), soon).toEqual([]);
    for (const n of numbers(100)) {
      verifier.publish(gone, [news(n)]);
      verifier.publish(there, [news(n)]);
    }
    await expect.poll(ids, soon).toEqual(numbers(100).map((n) => news(n).id));
    // The listener may have them before the sender has its answer.
    await expect.poll(verifier.dropped, soon).toBeGreaterThanOrEqual(99);
  });

  test('behavior: a topic that was taken away from under a listener is made again', async () => {
    const id = ingressId();
    const { ids } = await listen(open({ wakeupHeartbeatMs: 100 }), id);
    // As another ingress that takes every other one for dead.
    expect(await sweeping(-1).sweep()).toContain(wakeupTopic(id));
    const verifier = open();
    await expect
      .poll(() => {
        verifier.publish(id, [news(1)]);
        return ids();
      }, soon)
      .toContain('news/1');
  });

  test('behavior: what a crashed ingress left is swept, what somebody listens to is not', async () => {
    const [crashed, empty, alive] = [ingressId(), ingressId(), ingressId()];
    const { ids } = await listen(open({ wakeupHeartbeatMs: 50 }), alive);
    const cluster = clusterOf();
    await createWakeupTopic(cluster, wakeupTopic(empty));
    await createWakeupTopic(cluster, wakeupTopic(crashed));
    const verifier = open();
    await expect
      .poll(() => {
        verifier.publish(crashed, [news(1)]);
        return log.offsets(placeOf(wakeupTopic(crashed)));
      }, soon)
      .not.toEqual({ earliest: 0, next: 0 });
    const sweeper = sweeping(3_000);
    const swept = new Set<string>();
    await expect
      .poll(async () => {
        for (const topic of await sweeper.sweep()) swept.add(topic);
        return [wakeupTopic(crashed), wakeupTopic(empty)].every((topic) => swept.has(topic));
      }, soon)
      .toBe(true);
    expect(swept.has(wakeupTopic(alive))).toBe(false);
    verifier.publish(alive, [news(2)]);
    await expect.poll(ids, soon).toEqual(['news/2']);
  });

  test('behavior: latency at 500 wake-ups a second, beside reading them in `decisions`', async () => {
    const id = ingressId();
    const receiver = open();
    const receivedMs = new Map<number, number>();
    receiver.subscribe(id, (events) => {
      for (const { timeMs } of events) receivedMs.set(timeMs, performance.now());
    });
    await expect.poll(() => isListening(receiver), soon).toBe(true);
    const verifier = open();
    const topic = `decisions-${id}`;
    await log.createTopics([{ name: topic, partitions: 1, retentionMs: 60_000 }]);
    const readMs = new Map<number, number>();
    const tail = await log.tail({
      ...{ topic, partition: 0, fromOffset: 0, onError: () => undefined },
      onRecords: async (records) => {
        for (const { key } of records) readMs.set(Number.parseInt(key, 10), performance.now());
      },
    });
    const producer = log.producer();
    const value = encodeEvent(news(1));
    const wake = (n: number) => verifier.publish(id, [news(n)]);
    const write = (n: number) => {
      void producer.append([{ topic, partition: 0, key: String(n), value }]);
    };
    const wakeupsMs: number[] = [];
    const decisionsMs: number[] = [];
    // In turns, after one round that warms up: nothing else differs between the two.
    for (const round of numbers(5)) {
      const pair = [await latencies(receivedMs, wake), await latencies(readMs, write)] as const;
      if (round === 0) continue;
      wakeupsMs.push(...pair[0]);
      decisionsMs.push(...pair[1]);
    }
    wakeupsMs.sort((x, y) => x - y);
    decisionsMs.sort((x, y) => x - y);
    await producer.close();
    await tail.close();
    process.stdout.write(`wake-ups through their topic: ${summary(wakeupsMs)}\n`);
    process.stdout.write(`read in the decisions topic:  ${summary(decisionsMs)}\n`);
    // Twenty times what a quiet machine needs: others may run beside this.
    expect(wakeupsMs[Math.floor(wakeupsMs.length / 2)]).toBeLessThan(50);
  });
});

describe('wake-ups over a network that fails', () => {
  let breakable: BreakableKafka;
  beforeAll(async () => {
    breakable = await startBreakableKafka();
  }, 60_000);
  afterAll(() => breakable.wipe());

  test('behavior: nobody waits for a broker that is away; both sides find it again', async () => {
    const { proxy } = breakable;
    const brokers = [`127.0.0.1:${proxy.port}`];
    const id = ingressId();
    const { ids } = await listen(open({ brokers }), id);
    const verifier = open({ brokers });
    verifier.publish(id, [news(1)]);
    await expect.poll(ids, soon).toEqual(['news/1']);
    for (const kind of ['half_open', 'cut'] as const) {
      proxy.set({ kind });
      const beganMs = performance.now();
      for (const n of numbers(100_000)) verifier.publish(id, [news(n)]);
      // Encoding is most of it; not one of them waited.
      expect(performance.now() - beganMs).toBeLessThan(10_000);
      await expect.poll(verifier.dropped, soon).toBeGreaterThan(70_000);
      proxy.reset(1);
      proxy.set({ kind: 'pass' });
      await expect
        .poll(() => {
          verifier.publish(id, [{ ...news(1), id: `after/${kind}` }]);
          return ids();
        }, soon)
        .toContain(`after/${kind}`);
    }
  });
});

function clusterOf(): Cluster {
  const brokers = inject('kafkaBrokers');
  const cluster = createCluster(kafkaSettings({ brokers, clientId: 'test' }));
  onTestFinished(() => cluster.close());
  return cluster;
}

function sweeping(staleAfterMs: number): Sweeper {
  return createSweeper(clusterOf(), { own: new Set(), staleAfterMs, nowMs: Date.now });
}

const paceCount = 500;
const paceMs = 2;

/** Sends at an even pace; milliseconds from each sending until it was heard. */
async function latencies(
  heardMs: Map<number, number>,
  send: (n: number) => void,
): Promise<number[]> {
  heardMs.clear();
  const sentMs: number[] = [];
  const beganMs = performance.now();
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const due = Math.min(paceCount, Math.floor((performance.now() - beganMs) / paceMs));
      while (sentMs.length < due) {
        sentMs.push(performance.now());
        send(sentMs.length - 1);
      }
      if (sentMs.length < paceCount) return;
      clearInterval(timer);
      resolve();
    }, 1);
  });
  await expect.poll(() => heardMs.size, soon).toBe(paceCount);
  return sentMs.map((ms, n) => (heardMs.get(n) ?? 0) - ms);
}

function summary(sortedMs: readonly number[]): string {
  const at = (share: number) => (sortedMs[Math.floor(sortedMs.length * share)] ?? 0).toFixed(1);
  return `p10 ${at(0.1)} ms, p50 ${at(0.5)} ms, p90 ${at(0.9)} ms, p99 ${at(0.99)} ms of ${sortedMs.length}`;
}
