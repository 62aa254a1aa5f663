/** What only several processes show: shared offsets, sudden death, frozen members, a full disk. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Collector, collector } from './collector.given.js';
import type { EventLog, LogRecord } from './event-log.js';
import { openLmdbLog } from './lmdb-log.js';

// Node runs the build; `npm test` makes it before it tests.
const child = fileURLToPath(new URL('../dist/lmdb-log.child.js', import.meta.url));
const topic = 'shared';

let directory = '';
const logs: EventLog[] = [];
const children: Child[] = [];

interface Child {
  readonly process: ChildProcess;
  readonly lines: Collector<string>;
  readonly ended: Promise<void>;
}

beforeAll(() => {
  expect(existsSync(child), 'build the package before testing: npx tsc -b').toBe(true);
});

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'paycrawl-log-'));
});

afterEach(async () => {
  for (const { process: running } of children.splice(0)) running.kill('SIGKILL');
  await Promise.all(logs.splice(0).map((log) => log.close()));
  await rm(directory, { recursive: true, force: true });
});

function open(options: Partial<Parameters<typeof openLmdbLog>[0]> = {}): EventLog {
  const log = openLmdbLog({ directory, retentionEveryMs: 0, ...options });
  logs.push(log);
  return log;
}

async function openWithTopic(options: Partial<Parameters<typeof openLmdbLog>[0]> = {}) {
  const log = open(options);
  await log.createTopics([{ name: topic, partitions: 2, retentionMs: 'forever' }]);
  return log;
}

function start(command: string, args: (string | number)[], fileBlocksMax?: number): Child {
  const nodeArgs = [child, command, directory, topic, ...args.map(String)];
  const running =
    fileBlocksMax === undefined
      ? spawn(process.execPath, nodeArgs, { stdio: ['pipe', 'pipe', 'ignore'] })
      : spawn(
          'sh',
          ['-c', `ulimit -f ${fileBlocksMax}; exec "$0" "$@"`, process.execPath, ...nodeArgs],
          { stdio: ['pipe', 'pipe', 'ignore'] },
        );
  const lines = collector<string>();
  createInterface({ input: running.stdout }).on('line', (line) => lines.add(line));
  const ended = new Promise<void>((resolve) => running.once('close', () => resolve()));
  const started = { process: running, lines, ended };
  children.push(started);
  return started;
}

async function readAll(log: EventLog, partition: number): Promise<LogRecord[]> {
  const out: LogRecord[] = [];
  for (;;) {
    const records = await log.read({ topic, partition }, out.length, 1_000);
    if (records.length === 0) return out;
    out.push(...records);
  }
}

/** Every line `ack <partition> <offset> <key>` must be true. */
async function expectAcknowledged(log: EventLog, lines: readonly string[]): Promise<number> {
  const partitions = [await readAll(log, 0), await readAll(log, 1)];
  let acks = 0;
  for (const line of lines) {
    const [word, partition, offset, key] = line.split(' ');
    if (word !== 'ack') continue;
    const found = partitions[Number(partition)]?.[Number(offset)];
    expect(found?.offset).toBe(Number(offset));
    expect(found?.key).toBe(key);
    expect(found?.value.equals(Buffer.alloc(800, key))).toBe(true);
    acks += 1;
  }
  return acks;
}

test('behavior: several processes append at once; offsets stay dense, every order is kept', async () => {
  const log = await openWithTopic({ segmentBytesMax: 200_000 });
  const writers = ['a', 'b', 'c'].map((name) => start('append', [name, 4, 150]));
  const own = log.producer();
  const mine: Promise<unknown>[] = [];
  for (let n = 0; n < 300; n += 1) {
    const record = { topic, partition: n % 2, key: `own-${n % 2}-${n}`, value: Buffer.from('own') };
    mine.push(own.append([record]));
    if (n % 20 === 0) await mine.at(-1);
  }
  await Promise.all([...mine, ...writers.map(({ ended }) => ended)]);
  for (const { lines } of writers) expect(await expectAcknowledged(log, lines.items)).toBe(600);
  for (const partition of [0, 1]) {
    const records = await readAll(log, partition);
    expect(records.map(({ offset }) => offset)).toEqual(records.map((_, index) => index));
    expect(records).toHaveLength(900 + 150);
    const times = records.map(({ timestampMs }) => timestampMs);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    const last = new Map<string, number>();
    for (const { key } of records) {
      const [, writer = '', turn = ''] = /^(.*)-(\d+)$/.exec(key) ?? [];
      expect(Number(turn)).toBeGreaterThan(last.get(writer) ?? -1);
      last.set(writer, Number(turn));
    }
  }
});

test('behavior: a tail hears of what another process appends', async () => {
  const log = await openWithTopic();
  const seen = collector<string>();
  await log.tail({
    topic,
    partition: 1,
    fromOffset: 0,
    onRecords: async (records) => seen.add(...records.map(({ key }) => key)),
    onError: (error) => seen.fail(error),
  });
  start('append', ['other', 2, 50]);
  await seen.until((keys) => keys.length === 50);
});

test('behavior: kill -9 at any moment loses nothing acknowledged and blocks nobody', async () => {
  const log = await openWithTopic({ segmentBytesMax: 400_000 });
  let acks = 0;
  for (const [round, acksMin] of [1, 40, 333, 1_500].entries()) {
    const writer = start('append', [`round-${round}`, 8, 1_000_000]);
    await writer.lines.until((lines) => lines.length >= acksMin);
    writer.process.kill('SIGKILL');
    await writer.ended;
    acks += await expectAcknowledged(log, writer.lines.items);
    // The dead process may have held the lock or sealed a segment: the log goes on all the same.
    const own = log.producer();
    const record = { topic, partition: 0, key: `after-${round}`, value: Buffer.from('after') };
    const [place] = await own.append([record]);
    const kept = await readAll(log, 0);
    expect(kept.at(-1)).toMatchObject({ key: `after-${round}`, offset: place?.offset });
    await own.close();
  }
  expect(acks).toBeGreaterThan(1_500);
  await log.close();
  const reopened = open();
  const all = children.flatMap(({ lines }) => lines.items);
  expect(await expectAcknowledged(reopened, all)).toBe(acks);
});

test('error: log_unavailable when the disk takes no more; nothing later is written', async () => {
  const log = await openWithTopic();
  // A limit on file size fails writes like a full disk, also for root.
  const writer = start('append', ['big', 8, 1_000_000], 2_000);
  await writer.ended;
  const lines = writer.lines.items;
  expect(lines).toContain('failed log_unavailable');
  expect(lines).toContain('refused log_unavailable');
  // A new producer is either served (a free page was left) or told so; it never waits for ever.
  expect(lines.some((line) => ['anew', 'again log_unavailable'].includes(line))).toBe(true);
  expect(lines.at(-1)).toBe('closed');
  const acks = await expectAcknowledged(log, lines);
  expect(acks).toBeGreaterThan(100);
  expect((await readAll(log, 0)).some(({ key }) => key === 'later')).toBe(false);
  // This process has no such limit: the log itself is unharmed.
  const own = log.producer();
  await own.append([{ topic, partition: 0, key: 'unharmed', value: Buffer.from('x') }]);
  expect((await readAll(log, 0)).at(-1)?.key).toBe('unharmed');
});

test('error: log_unavailable while a frozen process holds the lock; its end frees the log', async () => {
  const log = await openWithTopic({ commitTimeoutMs: 300 });
  const holder = start('hold', []);
  await holder.lines.until((lines) => lines.includes('held'));
  const record = { topic, partition: 0, key: 'late', value: Buffer.from('x') };
  const [one, two] = [log.producer(), log.producer()];
  const late = { code: 'log_unavailable' };
  await expect(one.append([record])).rejects.toMatchObject(late);
  await expect(two.append([record])).rejects.toMatchObject(late);
  expect(await readAll(log, 0)).toEqual([]);
  holder.process.kill('SIGKILL');
  await holder.ended;
  const [place] = await log.producer().append([{ ...record, key: 'freed' }]);
  // What was given up is never written afterwards.
  expect((await readAll(log, 0)).map(({ key }) => key)).toEqual(['freed']);
  expect(place?.offset).toBe(0);
  await expect(one.append([record])).rejects.toMatchObject(late);
});

test('behavior: a dead member is taken over after its lease, at its last commit', async () => {
  const log = await openWithTopic({ leaseMs: 600 });
  const producer = log.producer();
  const doomed = start('member', ['group', 600]);
  await doomed.lines.until((lines) => lines.filter((l) => l.startsWith('assigned')).length === 2);
  await producer.append([{ topic, partition: 0, key: 'a', value: Buffer.from('a') }]);
  await doomed.lines.until((lines) => lines.includes('committed 0'));
  doomed.process.kill('SIGKILL');
  const assigned = collector<string>();
  await joinAsHeir(log, assigned);
  await assigned.until((items) => items.length === 2);
  expect([...assigned.items].sort()).toEqual(['0 from 1', '1 from undefined']);
});

test('behavior: a frozen member is taken over, and gives up what it no longer owns', async () => {
  const log = await openWithTopic({ leaseMs: 600 });
  const producer = log.producer();
  const zombie = start('member', ['group', 600]);
  await freezeAsOwner(zombie, log);
  const [assignedBefore, revokedBefore] = [said(zombie, 'assigned'), said(zombie, 'revoked')];
  const assigned = collector<string>();
  const heir = await joinAsHeir(log, assigned);
  await assigned.until((items) => items.length >= 2);
  await heir.commit({ topic, partition: 0 }, 7);
  zombie.process.kill('SIGCONT');
  await zombie.lines.until(() => said(zombie, 'revoked') >= revokedBefore + 2);
  // It joins anew and gets its share; the two share again, and nobody's commit went back.
  await zombie.lines.until(() => said(zombie, 'assigned') > assignedBefore);
  await producer.append([{ topic, partition: 0, key: 'a', value: Buffer.from('a') }]);
  expect(await log.committed('group', { topic, partition: 0 })).toBe(7);
  zombie.process.stdin?.end();
  await zombie.lines.until((lines) => lines.includes('closed'));
});

function said(member: Child, word: string): number {
  return member.lines.items.filter((line) => line.startsWith(word)).length;
}

/**
 * Stops a member that owns both partitions, between its transactions: frozen within one it would
 * keep the lock of the groups, and whoever waits for it. That the lock is free is seen by taking it.
 */
async function freezeAsOwner(member: Child, log: EventLog): Promise<void> {
  const isOwner = () => said(member, 'assigned') - said(member, 'revoked') === 2;
  for (;;) {
    await member.lines.until(isOwner);
    member.process.kill('SIGSTOP');
    const probed = comeAndGo(log).then(() => true);
    const isFree = await Promise.race([probed, setTimeout(1_000, false)]);
    if (isFree && isOwner()) return;
    member.process.kill('SIGCONT');
    await probed;
  }
}

/** Several transactions of the groups: the signal stops the other process only after a moment. */
async function comeAndGo(log: EventLog): Promise<void> {
  const group = { groupId: 'probe', topics: [topic], onRecords: async () => {} };
  const handlers = { onAssign: async () => 0, onRevoke: async () => {}, onError: () => {} };
  for (let times = 0; times < 3; times += 1) {
    const visitor = await log.joinGroup({ ...group, ...handlers });
    await visitor.close();
  }
}

async function joinAsHeir(log: EventLog, assigned: Collector<string>) {
  return log.joinGroup({
    groupId: 'group',
    topics: [topic],
    async onAssign({ partition }, committed) {
      assigned.add(`${partition} from ${committed}`);
      return committed ?? 0;
    },
    onRecords: async () => {},
    onRevoke: async () => {},
    onError: (error) => assigned.fail(error),
  });
}
