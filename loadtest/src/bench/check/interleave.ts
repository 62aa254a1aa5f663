import { middleOf } from './bands.js';

/** What one piece of work cost, or how fast it went, in whatever unit both sides share. */
export type Piece = () => number | Promise<number>;

/**
 * Ours and its limit in turn, A B B A …, so that whatever else the machine does meets both alike;
 * the median of the pairs, so that what met one of them does not count.
 */
export async function interleaved(
  pairs: number,
  ours: Piece,
  limit: Piece,
  ratioOf: (ours: number, limit: number) => number,
): Promise<number> {
  const ratios: number[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    if (pair % 2 === 0) {
      const first = await ours();
      ratios.push(ratioOf(first, await limit()));
    } else {
      const first = await limit();
      ratios.push(ratioOf(await ours(), first));
    }
  }
  return middleOf(ratios.sort((a, b) => a - b));
}

/** Of costs: the limit takes less. */
export function ofCosts(ours: number, limit: number): number {
  return limit / ours;
}

/** Of rates: the limit does more. */
export function ofRates(ours: number, limit: number): number {
  return ours / limit;
}
