import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { followMarginRoundingUp, widestMarginRoundingUp } from './margin.js';

const bounds = { floorS: 30, ceilingS: 450 };

describe('the margin of admission', () => {
  it.each([
    ['nothing was measured: the configured one', 0, undefined, 30],
    ['less than the configured one', 29, 30, 30],
    ['more: in steps, upwards', 31, 30, 35],
    ['more again: at once', 62, 35, 65],
    ['a little less: it stays', 52, 65, 65],
    ['much less: at once', 50, 65, 50],
    ['hardly anything: back to the configured one', 1, 50, 30],
    ['beyond everything that is offered', 4_000, 65, 450],
    ['a configuration above the ceiling holds', 4_000, undefined, 600],
  ])('behavior: %s', (_name, measuredS, inForceS, expected) => {
    const floorS = expected === 600 ? 600 : bounds.floorS;
    expect(followMarginRoundingUp(measuredS, inForceS, { ...bounds, floorS })).toBe(expected);
  });

  it('property: within its bounds, and never far above what was measured, whatever came before', () => {
    const story = fc.array(fc.nat(600), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(story, (measures) => {
        let inForceS: number | undefined;
        for (const measuredS of measures) {
          const before = inForceS;
          inForceS = followMarginRoundingUp(measuredS, before, bounds);
          expect(inForceS).toBeGreaterThanOrEqual(Math.min(bounds.ceilingS, measuredS));
          expect(inForceS).toBeGreaterThanOrEqual(bounds.floorS);
          expect(inForceS).toBeLessThanOrEqual(bounds.ceilingS);
          const widestS = widestMarginRoundingUp(Math.max(bounds.floorS, measuredS));
          expect(inForceS).toBeLessThanOrEqual(widestS);
          // The same measure again changes nothing.
          expect(followMarginRoundingUp(measuredS, inForceS, bounds)).toBe(inForceS);
        }
      }),
    );
  });

  it('property: a measure that trembles by less than the lead changes it once at most', () => {
    const trembling = fc.array(fc.nat(5), { minLength: 2, maxLength: 50 });
    fc.assert(
      fc.property(fc.integer({ min: 31, max: 400 }), trembling, (aroundS, trembles) => {
        const seen = new Set<number>();
        let inForceS: number | undefined;
        for (const by of trembles) {
          inForceS = followMarginRoundingUp(aroundS + by, inForceS, bounds);
          seen.add(inForceS);
        }
        expect(seen.size).toBeLessThanOrEqual(2);
      }),
    );
  });
});
