import { createMemoryLog } from '@paycrawl/event-log/memory-log';
import { type AnyEvent, encodeEvent } from '@paycrawl/events/event';
import { beforeEach, describe, expect, it } from 'vitest';
import { encodeEntity } from './entity.js';
import type { Fold, LogOutput } from './fold.js';
import { deadLetterOf } from './log-sink.js';
import { createPartition, type Partition } from './partition.js';
import { writeSeed } from './seed.js';
import { createMemoryStore } from './store.js';
import { timerEntry } from './timers.js';

const source = { topic: 'payments.2', partition: 3 };
const woken: string[] = [];
/** Counts records per key; `TimePassed` wakes. */
const fold: Fold<LogOutput> = {
  name: 'verifier',
  input: 'payments',
  isSeeded: true,
  apply(view, event) {
    if (event.type === 'TimePassed') woken.push(...view.takeDueTimers(10));
    if (event.type === 'PayerFrozen') view.set('n', (view.get<bigint>('n') ?? 0n) + 1n);
  },
};

const log = createMemoryLog({ clock: () => 1_000 });
const frozen = {
  ...{ type: 'PayerFrozen', id: 'x', source: 'test', timeMs: 1 },
  data: { payer: 'eip155:1:0xa', reason: '' },
} as AnyEvent;

function opened(of: Fold<LogOutput> = fold): Partition<LogOutput> {
  return createPartition<LogOutput>({
    ...{ fold: of, partition: source.partition, store: createMemoryStore() },
    sink: { write: async () => {}, close: async () => {} },
    deadLetter: deadLetterOf('test'),
    onBroken: (error) => expect.unreachable(String(error)),
  });
}

async function folded(): Promise<Partition<LogOutput>> {
  const partition = opened();
  await partition.fold(await log.read(source, 0, 1_000));
  return partition;
}

const seed = {
  fold: 'verifier',
  generation: 2,
  nowMs: 5_000,
  entries: [
    ['n', encodeEntity(41n)],
    [timerEntry(4_000, 'n/due'), encodeEntity(true)],
    [timerEntry(9_000, 'n/later'), encodeEntity(true)],
  ] as [string, Buffer][],
};

const block = 'x'.repeat(150_000);
/** Of several chunks. */
const large = {
  ...seed,
  entries: [
    ...seed.entries,
    ...['a', 'b', 'c'].map((key) => [key, encodeEntity(block)] as [string, Buffer]),
  ],
};

beforeEach(async () => {
  woken.length = 0;
  source.partition += 1;
  await log.createTopics([{ name: source.topic, partitions: 100, retentionMs: 'forever' }]);
});

function recordOf(record: { key: string; value: Buffer } | undefined) {
  return { key: record?.key ?? '', value: record?.value ?? Buffer.alloc(0) };
}

async function append(event: AnyEvent): Promise<void> {
  await log.producer().append([{ ...source, key: 'k', value: encodeEvent(event) }]);
}

describe('a partition of a new generation', () => {
  it('behavior: begins with the state, the timers and the time of the one before', async () => {
    await writeSeed(log, source, seed);
    await append(frozen);
    const { working } = await folded();
    expect(working.view.get('n')).toBe(42n);
    expect(working.view.nowMs).toBe(5_000);
    expect(working.earliestTimerMs()).toBe(4_000);
  });

  it('behavior: due timers wake, and later ones do not', async () => {
    await writeSeed(log, source, seed);
    await append({ ...frozen, type: 'TimePassed', data: {} } as AnyEvent);
    const { working } = await folded();
    expect(woken).toEqual(['n/due']);
    expect(working.earliestTimerMs()).toBe(9_000);
  });

  it('behavior: a second seed, even late, changes nothing', async () => {
    await writeSeed(log, source, seed);
    await writeSeed(log, source, seed);
    await append(frozen);
    await writeSeed(log, source, seed);
    expect((await folded()).working.view.get('n')).toBe(42n);
  });

  it('behavior: a seed cut off by a crash is completed by the next one', async () => {
    await writeSeed(log, source, large);
    const chunks = await log.read(source, 0, 100);
    expect(chunks.length).toBeGreaterThan(1);
    source.partition += 1;
    const { key, value: first } = chunks[0] ?? { key: '', value: Buffer.alloc(0) };
    await log.producer().append([{ ...source, key, value: first }]);
    await writeSeed(log, source, large);
    const { working } = await folded();
    expect(working.view.get('c')).toBe(block);
    expect(working.view.get('~g')).toBe(2);
  });

  it('behavior: seeds of other folds are passed over, but time does not go back', async () => {
    await writeSeed(log, source, { ...seed, fold: 'analytics' });
    const partition = opened();
    await partition.fold(await log.read(source, 0, 1_000));
    const { working } = partition;
    expect(working.view.get('n')).toBeUndefined();
    expect(working.view.nowMs).toBe(5_000);
  });
});

describe('error: fold_seed_missing', () => {
  const refused = { code: 'fold_seed_missing' };

  it('behavior: a partition without a seed decides nothing and goes no further', async () => {
    await append(frozen);
    const partition = opened();
    const records = await log.read(source, 0, 1_000);
    await expect(partition.fold(records)).rejects.toMatchObject(refused);
    expect(partition.working.view.get('n')).toBeUndefined();
    await expect(partition.fold(records)).rejects.toMatchObject({ code: 'fold_broken' });
  });

  it('behavior: bytes that nobody can read are no seed either', async () => {
    await log.producer().append([{ ...source, key: 'k', value: Buffer.from('{') }]);
    await expect(folded()).rejects.toMatchObject(refused);
  });

  it('behavior: the seed of another fold is not its own', async () => {
    await writeSeed(log, source, { ...seed, fold: 'settlement' });
    await append(frozen);
    await expect(folded()).rejects.toMatchObject(refused);
  });

  it('behavior: nor is a seed that ends early, or has a gap', async () => {
    await writeSeed(log, source, large);
    const chunks = await log.read(source, 0, 100);
    expect(chunks.length).toBeGreaterThan(2);
    for (const kept of [chunks.slice(0, -1), chunks.slice(1), [chunks[0], ...chunks.slice(2)]]) {
      source.partition += 1;
      for (const chunk of kept) await log.producer().append([{ ...source, ...recordOf(chunk) }]);
      await append(frozen);
      await expect(folded()).rejects.toMatchObject(refused);
    }
  });

  it('behavior: a fold that is not carried begins with nothing', async () => {
    await append(frozen);
    const { isSeeded: _, ...uncarried } = fold;
    const partition = opened(uncarried);
    await partition.fold(await log.read(source, 0, 1_000));
    expect(partition.working.view.get('n')).toBe(1n);
  });
});
