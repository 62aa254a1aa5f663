import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, expect, inject, test } from 'vitest';
import { type Collector, collector } from '../collector.given.js';
import { newTopic, openSharedKafka, record } from './kafka-cluster.given.js';

// Node runs the build; `npm run test:kafka` makes it before it tests.
const program = fileURLToPath(new URL('../../dist/kafka/kafka-member.child.js', import.meta.url));

interface Child {
  readonly lines: Collector<string>;
  signal(signal: NodeJS.Signals): void;
}

const children: Child[] = [];

beforeAll(() => {
  expect(existsSync(program), 'build the package before testing: npx tsc -b').toBe(true);
});

afterEach(() => {
  for (const child of children.splice(0)) child.signal('SIGKILL');
});

function start(groupId: string, topic: string): Child {
  const args = [program, inject('kafkaBrokers').join(','), groupId, topic];
  const running = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = collector<string>();
  createInterface({ input: running.stdout }).on('line', (line) => lines.add(line));
  const child = { lines, signal: (signal: NodeJS.Signals) => void running.kill(signal) };
  children.push(child);
  return child;
}

function held(lines: readonly string[]): number {
  const count = (word: string) => lines.filter((line) => line.startsWith(word)).length;
  return count('assign') - count('revoke');
}

function records(lines: readonly string[]): string[] {
  return lines.filter((line) => line.startsWith('record'));
}

test('behavior: a frozen member is replaced; awake again it begins nothing that is not its own', async () => {
  const log = openSharedKafka();
  const topic = await newTopic(log, 2);
  const producer = log.producer();
  const write = (key: string) =>
    producer.append([0, 1].map((partition) => record(topic, partition, key)));
  const frozen = start(topic, topic);
  await frozen.lines.until((lines) => held(lines) === 2);
  frozen.signal('SIGSTOP');
  const heir = start(topic, topic);
  await heir.lines.until((lines) => held(lines) === 2);
  await write('meanwhile');
  await heir.lines.until((lines) => records(lines).length === 2);
  frozen.signal('SIGCONT');
  await frozen.lines.until((lines) => held(lines) === 1 && lines.length >= 5);
  await heir.lines.until((lines) => held(lines) === 1);
  expect(records(frozen.lines.items)).toEqual([]);
  await write('afterwards');
  await frozen.lines.until((lines) => records(lines).length === 1);
  await heir.lines.until((lines) => records(lines).length === 3);
  await log.close();
});

test('behavior: what a killed member held moves to who takes its place, and within seconds', async () => {
  const log = openSharedKafka();
  const topic = await newTopic(log, 2);
  const killed = start(topic, topic);
  await killed.lines.until((lines) => held(lines) === 2);
  killed.signal('SIGKILL');
  const diedMs = performance.now();
  const heir = start(topic, topic);
  await heir.lines.until((lines) => held(lines) === 2);
  const gapMs = Math.round(performance.now() - diedMs);
  console.log(`kill -9 of a member: its partitions moved after ${gapMs} ms`);
  // The end of a session, and a process that starts on a machine with other work.
  expect(gapMs).toBeLessThan(10_000);
  heir.signal('SIGTERM');
  await heir.lines.until((lines) => lines.includes('closed'));
  expect(held(heir.lines.items)).toBe(0);
  await log.close();
});
