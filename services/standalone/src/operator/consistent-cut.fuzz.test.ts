import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { consistentCut, type Effect } from './consistent-cut.js';

const partitions = ['payments', 'decisions', 'charges'];

interface Written extends Effect {
  readonly place: string;
}

/** A history in the order of time: each record stands at the end of a partition, with a cause. */
const history = fc.array(fc.tuple(fc.nat(2), fc.nat(100)), { maxLength: 60 }).map((steps) => {
  const lengths = new Map<string, number>();
  const written: Written[] = [];
  for (const [at, causeAt] of steps) {
    const place = partitions[at] as string;
    const offset = lengths.get(place) ?? 0;
    const cause = written.length === 0 ? undefined : written[causeAt % written.length];
    written.push({ place, offset, source: cause?.place ?? '', causeOffset: cause?.offset ?? -1 });
    lengths.set(place, offset + 1);
  }
  return written;
});

function effectsOf(written: readonly Written[]): Map<string, Written[]> {
  return new Map(partitions.map((place) => [place, written.filter((one) => one.place === place)]));
}

function endsAt(written: readonly Written[], moments: readonly number[]): Map<string, number> {
  return new Map(
    partitions.map((place, i) => [
      place,
      written.slice(0, moments[i]).filter((one) => one.place === place).length,
    ]),
  );
}

describe('the cut', () => {
  test('property: no record without its cause; nothing before the first look is lost', () => {
    fc.assert(
      fc.property(history, fc.array(fc.nat(60), { minLength: 3, maxLength: 3 }), (written, at) => {
        const ends = endsAt(written, at);
        const cut = consistentCut(ends, effectsOf(written));
        const isIn = (place: string, offset: number) => offset < (cut.get(place) ?? 0);
        for (const { place, offset, source, causeOffset } of written) {
          if (isIn(place, offset) && causeOffset >= 0) expect(isIn(source, causeOffset)).toBe(true);
        }
        const first = Math.min(...at);
        for (const [place, end] of endsAt(written, [first, first, first])) {
          expect(cut.get(place)).toBeGreaterThanOrEqual(end);
          expect(cut.get(place)).toBeLessThanOrEqual(ends.get(place) ?? 0);
        }
      }),
    );
  });

  test('behavior: what follows an orphan goes with it, also in other partitions', () => {
    const ends = new Map([
      ['payments', 2],
      ['decisions', 1],
      ['charges', 3],
    ]);
    const effects = new Map<string, Effect[]>([
      ['payments', [{ offset: 1, source: 'charges', causeOffset: 3 }]],
      ['decisions', [{ offset: 0, source: 'payments', causeOffset: 1 }]],
      ['charges', [{ offset: 2, source: 'decisions', causeOffset: 0 }]],
    ]);
    expect([...consistentCut(ends, effects)]).toEqual([
      ['payments', 1],
      ['decisions', 0],
      ['charges', 2],
    ]);
  });
});
