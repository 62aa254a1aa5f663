import type { LogRecord } from '@paycrawl/event-log/event-log';
import { describe, expect, it } from 'vitest';
import type { Caused, Fold, LogOutput } from './fold.js';
import { deadLetterOf, eventOf } from './log-sink.js';
import { createPartition } from './partition.js';
import { createMemoryStore, type Store } from './store.js';
import { type Given, given, recordsGiven, tally } from './tally.given.js';

/** An owner whose log acknowledges when it is told to. */
function owner(options: { store?: Store; outputsWaitingMax?: number; isHeld?: boolean } = {}) {
  const store = options.store ?? createMemoryStore();
  const written: Caused<LogOutput>[][] = [];
  const broken: unknown[] = [];
  const woken: Caused<LogOutput>[] = [];
  const held: { resolve(): void; reject(error: Error): void }[] = [];
  const partition = createPartition<LogOutput>({
    fold: tally,
    partition: 0,
    store,
    sink: {
      write: async (outputs) => {
        if (options.isHeld === true) {
          await new Promise<void>((resolve, reject) => held.push({ resolve, reject }));
        }
        written.push([...outputs]);
      },
      close: async () => {},
    },
    deadLetter: deadLetterOf('test'),
    ...(options.outputsWaitingMax && { outputsWaitingMax: options.outputsWaitingMax }),
    onFolded: (outputs) => woken.push(...outputs),
    onBroken: (error) => broken.push(error),
  });
  return { store, partition, written, broken, woken, held };
}

function summary(outputs: readonly Caused<LogOutput>[]): string[] {
  return outputs.map(
    ({ output, cause }) =>
      `${cause[2]}.${cause[3]} ${output.type} ${(output.data as { reason?: string }).reason ?? ''}`,
  );
}

const records = (...all: Given[]): LogRecord[] => recordsGiven(all);

function raw(offset: number, value: string): LogRecord {
  return { ...(records(given('a', 'sum'))[0] as LogRecord), offset, value: Buffer.from(value) };
}

describe('ages', () => {
  it('behavior: the oldest record that is not stored is told until it is', async () => {
    const { partition, held } = owner({ isHeld: true });
    const [first, second] = records(given('a', 'add 1'), given('a', 'add 1')) as [
      LogRecord,
      LogRecord,
    ];
    expect(partition.oldestFoldedMs()).toBeUndefined();
    await partition.fold([{ ...first, timestampMs: 5_000 }]);
    // Its output is not durable, so it cannot be stored; the next record is younger.
    expect(await partition.checkpoint()).toBeUndefined();
    await partition.fold([{ ...second, timestampMs: 7_000 }]);
    expect(partition.oldestFoldedMs()).toBe(5_000);
    held.shift()?.resolve();
    await expect.poll(() => partition.checkpoint()).toMatchObject({ nextOffset: 1 });
    expect(partition.oldestFoldedMs()).toBe(7_000);
    held.shift()?.resolve();
    await expect.poll(() => partition.checkpoint()).toMatchObject({ nextOffset: 2 });
    expect(partition.oldestFoldedMs()).toBeUndefined();
  });
});

describe('traces', () => {
  it('behavior: the trace of a record goes on; that of an entity comes before it; null is none', () => {
    const caused = { cause: ['payments.1', 0, 0, 0], nowMs: 1, source: 's' } as const;
    const output = (trace?: string | null) =>
      ({ topic: 'decisions', key: 'k', type: 'PayerParked', data: {}, trace }) as never;
    const traceOf = (own: string | null | undefined, ofRecord: string | undefined) =>
      eventOf(output(own), { ...caused, trace: ofRecord }).trace;
    expect(traceOf(undefined, 'record')).toBe('record');
    expect(traceOf('entity', 'record')).toBe('entity');
    expect(traceOf(null, 'record')).toBeUndefined();
    expect(traceOf('entity', undefined)).toBe('entity');
    expect(traceOf(undefined, undefined)).toBeUndefined();
  });
});

describe('causes', () => {
  it('behavior: an output carries topic, partition, offset and index of its input', async () => {
    const { partition, written } = owner();
    await partition.fold(records(given('a', 'add 1'), given('a', 'drop'), given('b', 'add 2')));
    await partition.drained();
    expect(summary(written.flat())).toEqual([
      '0.0 RecordIgnored 1.0',
      '2.0 RecordIgnored 1.0',
      '2.1 RecordIgnored 1.1',
    ]);
    expect(written.flat()[0]?.cause).toEqual(['payments.1', 0, 0, 0]);
  });

  it('behavior: what was applied is dropped by offset and index, per source, after a restart too', async () => {
    const caused = (topic: string, offset: number, index: number): Given => ({
      ...given('a', 'add 1'),
      cause: [topic, 0, offset, index],
    });
    const story = records(
      caused('charges.1', 4, 0),
      caused('charges.1', 4, 1),
      caused('charges.1', 4, 1),
      caused('charges.1', 4, 0),
      caused('charges.2', 1, 0),
      caused('charges.1', 3, 9),
      caused('charges.1', 5, 0),
    );
    const first = owner();
    await first.partition.fold(story.slice(0, 2));
    await first.partition.drained();
    await first.partition.checkpoint();
    const second = owner({ store: first.store });
    await second.partition.fold(story);
    await second.partition.drained();
    const told = [...first.written, ...second.written].flat();
    expect(summary(told).map((line) => line.split(' ')[0])).toEqual(['0.0', '1.0', '4.0', '6.0']);
  });

  it('behavior: log time is the running maximum of the append times', async () => {
    const { partition, written } = owner();
    await partition.fold(records(given('a', 'add 1', 50), given('a', 'add 1', 40)));
    await partition.drained();
    expect(written.flat().map(({ nowMs }) => nowMs)).toEqual([50, 50]);
    await partition.checkpoint();
    expect(partition.stored()).toEqual({ nextOffset: 2, nowMs: 50 });
  });
});

describe('a record that cannot be folded', () => {
  it('behavior: unreadable bytes become a dead letter, and the partition goes on', async () => {
    const { partition, written } = owner();
    await partition.fold([raw(0, '{"type":'), ...records(given('a', 'sum'), given('a', 'add 1'))]);
    await partition.drained();
    expect(summary(written.flat())).toEqual(['0.0 RecordDeadLettered ', '1.0 RecordIgnored 1.0']);
    expect(written.flat()[0]?.output).toMatchObject({
      topic: 'dead-letters',
      data: { code: 'record_unreadable', offset: 0, valueBase64: 'eyJ0eXBlIjo=' },
    });
  });

  it.each([
    ['fold_unknown_version', raw(1, '{"type":"PayerFrozen.v99","id":"a","source":"s","timeMs":1}')],
    ['RangeError', records(given('a', 'sum'), given('a', 'break'))[1] as LogRecord],
  ])('error: %s stops here; what came before stands, nothing after it', async (name, bad) => {
    const { partition, written, woken } = owner();
    const [before, , after] = records(given('a', 'add 1'), given('a', 'sum'), given('a', 'add 3'));
    const all = [before, bad, after] as LogRecord[];
    const error = await partition.fold(all).catch((caught: unknown) => caught);
    expect(error).toMatchObject(name === 'RangeError' ? { name } : { code: name });
    await partition.drained();
    await partition.checkpoint();
    expect(summary(written.flat())).toEqual(['0.0 RecordIgnored 1.0']);
    expect(woken).toHaveLength(1);
    expect(partition.stored().nextOffset).toBe(1);
    expect(partition.working.view.get('n/eip155:1:a')).toEqual({ count: 1, total: 1n });
    await expect(partition.fold([after as LogRecord])).rejects.toMatchObject({
      code: 'fold_broken',
    });
  });

  it('behavior: a typed error parks, and everything that the record did is undone', async () => {
    const { partition, written } = owner();
    const cause = ['charges.1', 0, 7, 0] as const;
    await partition.fold(
      records(
        given('a', 'add 1'),
        { ...given('a', 'refuse 9'), cause },
        { ...given('a', 'refuse 9'), cause },
        given('a', 'sum'),
      ),
    );
    await partition.drained();
    expect(summary(written.flat())).toEqual([
      '0.0 RecordIgnored 1.0',
      '1.0 PayerParked ',
      '3.0 RecordIgnored n/eip155:1:a=1/1',
    ]);
    expect(partition.working.view.get('parked/eip155:1:a')).toBe('money_negative');
    expect(partition.working.earliestTimerMs()).toBeUndefined();
  });
});

describe('outputs', () => {
  it('behavior: a position is stored only when its outputs are durable', async () => {
    const { partition, held, store } = owner({ isHeld: true });
    await partition.fold(records(given('a', 'add 1'), given('a', 'drop')));
    expect(await partition.checkpoint()).toBeUndefined();
    expect(store.position().nextOffset).toBe(0);
    held.shift()?.resolve();
    await partition.drained();
    expect(await partition.checkpoint()).toMatchObject({ nextOffset: 2 });
  });

  it('behavior: the state that is stored is that of the position, not what was folded ahead', async () => {
    const { partition, held, store } = owner({ isHeld: true });
    const story = records(given('a', 'add 1'), given('a', 'add 1'));
    await partition.fold(story.slice(0, 1));
    await partition.checkpoint();
    await partition.fold(story.slice(1));
    held.shift()?.resolve();
    await expect.poll(() => held.length).toBe(1);
    expect(await partition.checkpoint()).toMatchObject({ nextOffset: 1 });
    expect(store.get('n/eip155:1:a')).toEqual({ count: 1, total: 1n });
    held.shift()?.resolve();
    await partition.drained();
    await partition.checkpoint();
    expect(store.get('n/eip155:1:a')).toEqual({ count: 2, total: 2n });
  });

  it('behavior: after a failed write nothing later is written, stored or folded', async () => {
    const { partition, held, written, broken, store } = owner({ isHeld: true });
    const story = records(given('a', 'add 1'), given('a', 'add 1'), given('a', 'add 1'));
    await partition.fold(story.slice(0, 1));
    await partition.fold(story.slice(1, 2));
    held.shift()?.reject(new RangeError('lost'));
    await expect(partition.drained()).rejects.toMatchObject({ code: 'fold_broken' });
    expect(broken).toMatchObject([{ message: 'lost' }]);
    await expect(partition.fold(story.slice(2))).rejects.toMatchObject({ code: 'fold_broken' });
    expect(await partition.checkpoint()).toBeUndefined();
    expect([written, held, store.position().nextOffset]).toEqual([[], [], 0]);
  });

  it('behavior: one write at a time, each with everything that waited', async () => {
    const { partition, held, written } = owner({ isHeld: true });
    const story = records(...Array.from({ length: 4 }, () => given('a', 'add 1')));
    for (const record of story) await partition.fold([record]);
    expect(held).toHaveLength(1);
    held.shift()?.resolve();
    await expect.poll(() => held.length).toBe(1);
    held.shift()?.resolve();
    await partition.drained();
    expect(written.map((batch) => batch.length)).toEqual([1, 3]);
  });

  it('behavior: folding waits while too many outputs wait', async () => {
    const { partition, held } = owner({ isHeld: true, outputsWaitingMax: 2 });
    const story = records(given('a', 'add 3'), given('a', 'add 3'));
    await partition.fold(story.slice(0, 1));
    let isFolded = false;
    const folding = partition.fold(story.slice(1)).then(() => {
      isFolded = true;
    });
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    expect(isFolded).toBe(false);
    held.shift()?.resolve();
    await expect.poll(() => held.length).toBe(1);
    await folding;
    expect(isFolded).toBe(true);
  });
});

describe('a fold that gathers', () => {
  /** Counts the records of a batch; the last one tells. */
  function counting(): Fold<string> {
    let gathered = 0;
    return {
      name: 'verifier',
      input: 'payments',
      apply(view, event) {
        expect(view.isSettledLater).toBe(true);
        if (event.type === 'PayerFrozen' && event.data.reason === 'break') throw new RangeError();
        gathered += 1;
      },
      settle(view) {
        const before = view.get<number>('count') ?? 0;
        view.set('count', before + gathered);
        view.emit(`${before}+${gathered}`);
        gathered = 0;
      },
    };
  }

  function counter(store: Store) {
    const told: string[] = [];
    const partition = createPartition<string>({
      ...{ fold: counting(), partition: 0, store, deadLetter: () => '', onBroken: () => {} },
      sink: {
        write: async (outputs) => {
          for (const { output, cause } of outputs) told.push(`${cause[2]}.${cause[3]} ${output}`);
        },
        close: async () => {},
      },
    });
    return { partition, told };
  }

  it('behavior: settles after each batch, as outputs of its last record, before it is stored', async () => {
    const store = createMemoryStore();
    const { partition, told } = counter(store);
    const story = records(given('a', 'sum'), given('b', 'sum'), given('c', 'sum'));
    await partition.fold(story.slice(0, 2));
    await partition.fold(story.slice(0, 2));
    await partition.drained();
    expect(await partition.checkpoint()).toMatchObject({ nextOffset: 2 });
    expect(store.get('count')).toBe(2);
    await partition.fold(story);
    await partition.drained();
    expect(told).toEqual(['1.0 0+2', '2.0 2+1']);
  });

  it('behavior: settles what came before a record that cannot be folded', async () => {
    const store = createMemoryStore();
    const { partition, told } = counter(store);
    const story = records(given('a', 'sum'), given('b', 'sum'), given('c', 'break'));
    await expect(partition.fold(story)).rejects.toThrow(RangeError);
    await partition.drained();
    expect(told).toEqual(['1.0 0+2']);
    expect(await partition.checkpoint()).toMatchObject({ nextOffset: 2 });
    expect(store.get('count')).toBe(2);
  });
});

describe('two owners of one store', () => {
  it('error: fold_position_moved; the one who is late folds nothing more', async () => {
    const store = createMemoryStore();
    const [early, late] = [owner({ store }), owner({ store })];
    const story = records(given('a', 'add 1'), given('a', 'sum'));
    await early.partition.fold(story.slice(0, 1));
    await early.partition.drained();
    await early.partition.checkpoint();
    // Reading through to a state ahead of its own, it would decide otherwise than everybody else.
    await expect(late.partition.fold(story)).rejects.toMatchObject({ code: 'fold_position_moved' });
    expect(late.written).toEqual([]);
    await early.partition.fold(story.slice(1));
    await early.partition.drained();
    expect(summary(early.written.flat())[1]).toContain('=1/1');
  });

  it('error: fold_position_moved; the one who folded before stores nothing', async () => {
    const store = createMemoryStore();
    const [early, late] = [owner({ store }), owner({ store })];
    const story = records(given('a', 'add 1'), given('b', 'add 1'));
    await late.partition.fold(story);
    await late.partition.drained();
    await early.partition.fold(story.slice(0, 1));
    await early.partition.drained();
    await early.partition.checkpoint();
    await expect(late.partition.checkpoint()).rejects.toMatchObject({
      code: 'fold_position_moved',
    });
    expect(store.position().nextOffset).toBe(1);
  });
});
