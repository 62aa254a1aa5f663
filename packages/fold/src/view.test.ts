import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMemoryStore } from './store.js';
import { createWorking } from './view.js';

function working(cacheEntriesMax = 1000) {
  const store = createMemoryStore();
  let nextOffset = 0;
  const made = createWorking<string>(store, { cacheEntriesMax });
  return {
    store,
    ...made,
    /** The writes of the cut are in the store. */
    async checkpoint() {
      const writes = made.cut();
      nextOffset += 1;
      await store.write(store.position(), { nextOffset, nowMs: 0 }, writes);
      made.cutStored();
    },
  };
}

describe('entities', () => {
  it('behavior: a record sees its own writes, and undoing takes them and the outputs back', () => {
    const { view, keep, undo } = working();
    view.set('n/a', 1);
    keep();
    view.set('n/a', 2);
    view.delete('n/b');
    view.emit('out');
    expect(view.get('n/a')).toBe(2);
    undo();
    expect(view.get('n/a')).toBe(1);
    expect(keep()).toEqual([]);
  });

  it('behavior: who only looks, at however many keys, does not fill the memory', async () => {
    const { view, keep, cut, cutStored, store } = working(10);
    let reads = 0;
    const { get } = store;
    store.get = (key) => {
      reads += 1;
      return get(key);
    };
    const look = (count: number) => {
      for (let n = 0; n < count; n += 1) view.get(`n/${n}`);
    };
    look(5);
    look(5);
    expect(reads).toBe(5);
    look(1_000);
    reads = 0;
    look(1_000);
    expect(reads).toBeGreaterThan(900);
    // What is written and not yet stored is nowhere else.
    view.set('n/own', 'written');
    keep();
    const writes = cut();
    look(1_000);
    expect(view.get('n/own')).toBe('written');
    await store.write(store.position(), { nextOffset: 1, nowMs: 0 }, writes);
    cutStored();
    look(1_000);
    expect(view.get('n/own')).toBe('written');
  });

  it('behavior: a range is in key order, whichever layer an entry lies in', async () => {
    const { view, keep, cut, cutStored, store, checkpoint } = working();
    for (const key of ['n/d', 'n/b', 'n/gone', 'm/x']) view.set(key, 'stored');
    keep();
    await checkpoint();
    view.set('n/c', 'frozen');
    view.delete('n/gone');
    keep();
    const frozen = cut();
    view.set('n/a', 'dirty');
    view.set('n/d', 'dirty');
    keep();
    view.set('n/e', 'pending');
    const whole = [
      ['n/a', 'dirty'],
      ['n/b', 'stored'],
      ['n/c', 'frozen'],
      ['n/d', 'dirty'],
      ['n/e', 'pending'],
    ];
    expect(view.range('n/')).toEqual(whole);
    expect(view.range('n/', 2)).toEqual(whole.slice(0, 2));
    await store.write(store.position(), { nextOffset: 2, nowMs: 0 }, frozen);
    cutStored();
    expect(view.range('n/')).toEqual(whole);
  });

  it('behavior: what was deleted stays deleted when its cache entry goes', async () => {
    const { view, keep, checkpoint } = working(1);
    view.set('n/a', 1);
    keep();
    await checkpoint();
    view.delete('n/a');
    keep();
    await checkpoint();
    for (const key of ['n/b', 'n/c', 'n/d']) view.set(key, key);
    keep();
    await checkpoint();
    expect(view.get('n/a')).toBeUndefined();
    expect(view.range('n/').map(([key]) => key)).toEqual(['n/b', 'n/c', 'n/d']);
  });

  it('property: any size of the cache and any checkpoints show the same entities', async () => {
    const key = fc.constantFrom('n/a', 'n/b', 'n/c', 'n/d', 'n/e');
    const step = fc.oneof(
      fc.record({ do: fc.constant('set' as const), key, value: fc.nat() }),
      fc.record({ do: fc.constant('delete' as const), key }),
      fc.record({ do: fc.constant('checkpoint' as const) }),
      fc.record({ do: fc.constant('undo' as const) }),
      fc.record({ do: fc.constant('keep' as const) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step), fc.nat({ max: 3 }), async (steps, cacheEntriesMax) => {
        const { view, keep, undo, checkpoint } = working(cacheEntriesMax);
        const kept = new Map<string, number>();
        let present = new Map(kept);
        for (const one of steps) {
          if (one.do === 'set') {
            view.set(one.key, one.value);
            present.set(one.key, one.value);
          } else if (one.do === 'delete') {
            view.delete(one.key);
            present.delete(one.key);
          } else if (one.do === 'undo') {
            undo();
            present = new Map(kept);
          } else {
            keep();
            kept.clear();
            for (const [name, value] of present) kept.set(name, value);
            if (one.do === 'checkpoint') await checkpoint();
          }
          const expected = [...present].sort(([a], [b]) => (a < b ? -1 : 1));
          expect(view.range('n/')).toEqual(expected);
          for (const [name, value] of present) expect(view.get(name)).toBe(value);
        }
      }),
    );
  });
});

describe('timers', () => {
  function clock() {
    const made = working();
    return {
      ...made,
      at(nowMs: number, countMax = 10): string[] {
        made.begin(nowMs);
        const due = made.view.takeDueTimers(countMax);
        made.keep();
        return due;
      },
    };
  }

  it('behavior: they come due in the order of time and key, at most so many at once', () => {
    const { view, keep, at, earliestTimerMs } = clock();
    view.setTimer('b', 20);
    view.setTimer('a', 20);
    view.setTimer('z', 10);
    view.setTimer('c', 30);
    keep();
    expect(earliestTimerMs()).toBe(10);
    expect(at(9)).toEqual([]);
    expect(at(20, 2)).toEqual(['z', 'a']);
    expect(earliestTimerMs()).toBe(20);
    expect(at(20, 2)).toEqual(['b']);
    expect(earliestTimerMs()).toBe(30);
    expect(at(99)).toEqual(['c']);
    expect(earliestTimerMs()).toBeUndefined();
  });

  it('behavior: several timers of one key stand; a cleared one never comes', () => {
    const { view, keep, at, earliestTimerMs } = clock();
    view.setTimer('a', 10);
    view.setTimer('a', 20);
    view.clearTimer('a', 10);
    keep();
    expect(at(10)).toEqual([]);
    expect(earliestTimerMs()).toBe(20);
    expect(at(20)).toEqual(['a']);
  });

  it('behavior: taking due ones and being undone loses none', () => {
    const { view, keep, begin, undo, at, earliestTimerMs } = clock();
    view.setTimer('a', 10);
    keep();
    begin(10);
    expect(view.takeDueTimers(5)).toEqual(['a']);
    undo();
    expect(earliestTimerMs()).toBe(10);
    view.setTimer('b', 1);
    undo();
    expect(earliestTimerMs()).toBe(10);
    expect(at(10)).toEqual(['a']);
  });

  it('behavior: a new owner knows the earliest one', async () => {
    const { view, keep, checkpoint, store } = clock();
    view.setTimer('a', 70);
    view.setTimer('b', 60);
    keep();
    await checkpoint();
    expect(createWorking<string>(store).earliestTimerMs()).toBe(60);
  });

  it('property: more than fit in memory come in order, whatever is set, cleared and undone', async () => {
    const step = fc.record({
      do: fc.constantFrom('set', 'set', 'clear', 'take', 'undo', 'checkpoint'),
      seed: fc.nat(999),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
        const { view, keep, undo, begin, at, checkpoint } = clock();
        const open = new Set<string>();
        const sorted = () => [...open].sort();
        let nowMs = 0;
        // A thousand at a time, spread over times that come again and again.
        const thousand = (seed: number) =>
          Array.from({ length: 1_000 }, (_, i) => nowMs + 1 + ((i * 7_919 + seed) % 3_000));
        for (const one of steps) {
          if (one.do === 'checkpoint') await checkpoint();
          const times = thousand(one.seed);
          if (one.do === 'set' || one.do === 'undo') {
            for (const atMs of times) view.setTimer(`k${one.seed}`, atMs);
            if (one.do === 'undo') undo();
            else
              for (const atMs of times) open.add(`${String(atMs).padStart(9, '0')}/k${one.seed}`);
          } else if (one.do === 'clear') {
            for (const text of sorted().filter((_, i) => i % 3 === one.seed % 3)) {
              const [atMs = '', key = ''] = text.split('/');
              view.clearTimer(key, Number.parseInt(atMs, 10));
              open.delete(text);
            }
          } else if (one.do === 'take') {
            nowMs += one.seed;
            const isDue = (text: string) => Number.parseInt(text, 10) <= nowMs;
            const due = sorted().filter(isDue).slice(0, 1_500);
            expect(at(nowMs, 1_500)).toEqual(due.map((text) => text.split('/')[1]));
            for (const text of due) open.delete(text);
          }
          keep();
          begin(nowMs);
        }
        expect(view.range('~t/').length).toBe(open.size);
      }),
      { numRuns: 40 },
    );
  });

  it('property: a time beyond all times stays in order and is never due', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), (atMs) => {
        const { view, keep, at } = clock();
        view.setTimer('far', atMs);
        view.setTimer('near', 10);
        keep();
        const due = at(1_000_000);
        expect(due).toContain('near');
        expect(due.includes('far')).toBe(atMs <= 1_000_000);
        view.clearTimer('far', atMs);
        keep();
        expect(view.range('~t/')).toEqual([]);
      }),
    );
  });
});
