import type { EventLog } from '@paycrawl/event-log/event-log';
import { partitionForKey } from '@paycrawl/event-log/partitioner';
import { type AnyEvent, encodeEvent } from '@paycrawl/events/event';
import { payerId } from '@paycrawl/events/ids';
import { physicalTopic, type TopicName, topicDefinitions } from '@paycrawl/events/topics';
import { expect } from 'vitest';
import { listDeadLetters, positionOf } from '../../operator/dead-letters.js';
import { settersAside } from '../../testing/dead-letter-consumers.js';
import { devnetNetwork, partitionsOf } from '../../testing/log-view.js';
import { runOperator } from '../../testing/run-command.js';
import { seconds } from '../books.js';
import {
  type Choice,
  drawn,
  type FaultContext,
  type FaultFigures,
  type FaultRow,
} from '../fault.js';
import type { FaultPlatform } from '../platform.js';

export const poisonedRecords: FaultRow = {
  name: 'poisoned record in every topic',
  mustHold: 'in dead-letters with bytes and position; visible; the partition goes on; re-driven',
  cases: () => [
    { name: `${Object.keys(topicDefinitions).length} topics`, timeoutMs: 240_000, run: poisonAll },
    { name: 'list, show and re-drive', timeoutMs: 120_000, run: redriven },
  ],
};

interface Poisoned {
  readonly topic: TopicName;
  readonly position: string;
  readonly value: Buffer;
}

async function poisonAll(context: FaultContext): Promise<FaultFigures> {
  const { platform, load, limitMs } = context;
  const payer = drawn(platform.people.crawlers, context).address;
  const began = performance.now();
  const poisoned: Poisoned[] = [];
  for (const topic of Object.keys(topicDefinitions) as TopicName[]) {
    poisoned.push(await poison(platform.log, topic, payer, context));
  }
  await poisonWakeups(platform.log, context);
  const eventually = { timeout: limitMs(60_000), interval: 100 };
  const ofFolds = poisoned.filter(({ topic }) => !topic.startsWith('snapshots-'));
  await expect.poll(() => notSetAside(platform, ofFolds), eventually).toEqual([]);
  const setAsideMs = performance.now() - began;
  for (const fold of ['verifier', 'metering', 'settlement', 'analytics']) {
    await expect.poll(() => counted(platform, fold), eventually).toBeGreaterThan(0);
  }
  // Snapshots are read by new owners only.
  for (const instance of ['verifier-1', 'verifier-2', 'metering-1', 'settlement-1']) {
    await platform.member(instance).stop();
    await platform.start(instance);
  }
  await expect.poll(() => notSetAside(platform, poisoned), eventually).toEqual([]);
  const gapMs = load.gapSince(began);
  await goesOn(context);
  const note = `${poisoned.length} topics and wake-ups, set aside within ${seconds(setAsideMs)}`;
  return { gapMs, note };
}

async function poison(
  log: EventLog,
  topic: TopicName,
  payer: string,
  choice: Choice,
): Promise<Poisoned> {
  const name = physicalTopic(topic);
  const { partitioning } = topicDefinitions[topic];
  const key = partitioning === 'payer' ? payerId(devnetNetwork, payer.toLowerCase()) : 'demo';
  const partition = partitionForKey(key, await partitionsOf(log, name));
  const value = drawn(poisons, choice)(choice);
  const producer = log.producer();
  const [appended] = await producer.append([{ topic: name, partition, key, value }]);
  await producer.close();
  const place = { topic: name, partition, offset: appended?.offset ?? -1 };
  return { topic, position: positionOf(place), value };
}

/** Never truth: whoever listens passes it over. */
async function poisonWakeups(log: EventLog, choice: Choice): Promise<void> {
  const topics = (await log.topics()).filter(({ name }) => name.startsWith('wakeups-'));
  expect(topics.length).toBeGreaterThan(0);
  const producer = log.producer();
  for (const { name: topic } of topics) {
    const value = drawn(poisons, choice)(choice);
    await producer.append([{ topic, partition: 0, key: 'k', value }]);
  }
  await producer.close();
}

const noise = ({ random }: Choice): Buffer =>
  Buffer.from(Array.from({ length: 1 + Math.floor(random() * 300) }, () => random() * 256));

const poisons: readonly ((choice: Choice) => Buffer)[] = [
  noise,
  () => Buffer.from('{"type":"ProofReceived.v1",'),
  () => Buffer.from('{"type":"NobodyKnows.v1","id":"1","source":"x","timeMs":1,"data":{}}'),
  () => Buffer.from('{"type":"ChargePosted.v1","id":"1","source":"x","timeMs":1,"data":{}}'),
  () => Buffer.from('null'),
  () => Buffer.alloc(0),
];

/** What is not in `dead-letters` as it should be, with what is there instead. */
async function notSetAside({ log }: FaultPlatform, poisoned: readonly Poisoned[]) {
  const letters = await listDeadLetters(log);
  return poisoned.flatMap(({ topic, position, value }) => {
    const letter = letters.find((one) => positionOf(one) === position);
    const expected = settersAside[topic];
    const isThere =
      letter?.value.equals(value) === true &&
      JSON.stringify(letter.consumers) === JSON.stringify(expected);
    const found = letter && { consumers: letter.consumers, bytes: letter.value.toString('hex') };
    return isThere ? [] : [{ position, expected, value: value.toString('hex'), found }];
  });
}

/** `paycrawl_dead_letters_total` of a fold, over its instances. */
async function counted(platform: FaultPlatform, fold: string): Promise<number> {
  const members = platform.fleet.members().filter((one) => one.service === fold && !one.isGone());
  const texts = members.map(async ({ operations }) =>
    (await fetch(`${operations}/metrics`)).text(),
  );
  const lines = (await Promise.all(texts)).flatMap((text) => text.split('\n'));
  return lines
    .filter((line) => line.startsWith('paycrawl_dead_letters_total{'))
    .reduce((sum, line) => sum + Number.parseInt(line.slice(line.lastIndexOf(' ') + 1), 10), 0);
}

/** What is sold from now on reaches its end, whoever pays. */
async function goesOn({ platform, load, limitMs }: FaultContext): Promise<void> {
  const { charged, ended } = platform.watch;
  const before = new Set(charged);
  await load.morePages(3, limitMs(60_000));
  const open = () => [...charged].filter((id) => !before.has(id) && !ended.has(id)).length;
  const fresh = () => charged.size - before.size;
  // A crawler has its page a moment before the record of its charge is read here.
  const eventually = { timeout: limitMs(10_000), interval: 100 };
  await expect.poll(fresh, eventually).toBeGreaterThanOrEqual(3 * platform.people.crawlers.length);
  await load.stop();
  await expect.poll(open, { timeout: limitMs(60_000), interval: 100 }).toBe(0);
}

/** An outcome that nobody waits for is readable: it can be driven again, and is set aside again. */
async function redriven(context: FaultContext): Promise<FaultFigures> {
  const { platform, limitMs } = context;
  const { log, environment } = platform;
  const value = strayOutcome(drawn(platform.people.crawlers, context).address, context);
  const topic = physicalTopic('payments');
  const partition = partitionForKey(value.payer, await partitionsOf(log, topic));
  const producer = log.producer();
  const record = { topic, partition, key: value.payer, value: value.bytes };
  const [appended] = await producer.append([record]);
  await producer.close();
  const position = positionOf({ topic, partition, offset: appended?.offset ?? -1 });
  const letterAt = async (at: string) =>
    (await listDeadLetters(log)).find((one) => positionOf(one) === at);
  const eventually = { timeout: limitMs(30_000), interval: 100 };
  await expect.poll(async () => (await letterAt(position))?.code, eventually).toBeDefined();
  const { code } = (await letterAt(position)) ?? { code: '' };
  const tool = (...argv: string[]) => runOperator('dead-letters', argv, environment);
  const listed = await tool('list', '--topic', 'payments', '--code', code);
  expect(listed).toMatchObject({ code: 0, stderr: '' });
  expect(listed.stdout).toContain(`${position}  `);
  const shown = await tool('show', position);
  expect(shown.stdout).toContain('now        read: CrawlDelivered of ingress');
  expect(shown.stdout).toContain(
    value.bytes.subarray(0, 4).toString('hex').replaceAll(/(..)/g, '$1 ').trim(),
  );
  const again = await tool('re-drive', position, '--reason', 'the matrix');
  expect(again).toMatchObject({ code: 0, stderr: '' });
  const [, offset = ''] = /stands at (\d+) again/.exec(again.stdout) ?? [];
  const copy = positionOf({ topic, partition, offset: Number.parseInt(offset, 10) });
  await expect.poll(async () => (await letterAt(copy))?.code, eventually).toBe(code);
  expect((await letterAt(copy))?.value.equals(value.bytes)).toBe(true);
  const twice = await tool('re-drive', position);
  expect(twice.stderr).toMatch(/^dead_letter_redriven: /);
  return { note: `${position} driven again to ${copy}, ${code}` };
}

function strayOutcome(address: string, { random }: Choice) {
  const payer = payerId(devnetNetwork, address.toLowerCase());
  const id = `c${Math.floor(random() * 1e9)
    .toString(16)
    .padStart(40, '0')}`;
  const data = {
    ...{ chargeId: id, payer, requestId: `r${id}`, leaseId: `${id}/1` },
    ...{ outcome: 'delivered', status: 200, bytes: 1 },
  };
  const event = { type: 'CrawlDelivered', id: `stray/${id}`, source: 'ingress', timeMs: 1, data };
  return { payer, bytes: encodeEvent(event as AnyEvent) };
}
