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

async function folded(): Promise<Partition<LogOutput>> {
  const partition = createPartition<LogOutput>({
    ...{ fold, partition: source.partition, store: createMemoryStore() },
    sink: { write: async () => {}, close: async () => {} },
    deadLetter: deadLetterOf('test'),
    onBroken: (error) => expect.unreachable(String(error)),
  });
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

beforeEach(async () => {
  woken.length = 0;
  source.partition += 1;
  await log.createTopics([{ name: source.topic, partitions: 100, retentionMs: 'forever' }]);
});

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
    const value = encodeEntity('x'.repeat(150_000));
    const entries = [...seed.entries, ['a', value], ['b', value], ['c', value]] as const;
    const whole = { ...seed, entries: entries.map(([key, bytes]) => [key, bytes] as const) };
    await writeSeed(log, source, whole);
    const chunks = await log.read(source, 0, 100);
    expect(chunks.length).toBeGreaterThan(1);
    source.partition += 1;
    const { key, value: first } = chunks[0] ?? { key: '', value: Buffer.alloc(0) };
    await log.producer().append([{ ...source, key, value: first }]);
    await writeSeed(log, source, whole);
    const { working } = await folded();
    expect(working.view.get('c')).toBe('x'.repeat(150_000));
    expect(working.view.get('~g')).toBe(2);
  });

  it('behavior: seeds of other folds are passed over, but time does not go back', async () => {
    await writeSeed(log, source, { ...seed, fold: 'analytics' });
    const { working } = await folded();
    expect(working.view.get('n')).toBeUndefined();
    expect(working.view.nowMs).toBe(5_000);
  });
});
