import type { Machine } from '../../figures.js';

/** How near to its limit something ran: 1 is the limit itself, more is better. */
export interface Measured {
  readonly name: string;
  readonly ratio: number;
}

/** What a ratio was in runs of unchanged code, and below what it is a regression. */
export interface Band {
  readonly low: number;
  readonly min: number;
  readonly median: number;
  readonly max: number;
  readonly runs: number;
}

export type Bands = Readonly<Record<string, Band>>;

/** As kept in the tree. */
export interface BandFile {
  readonly machine: Machine;
  readonly bands: Bands;
}

const minShare = 0.8;
const spreads = 3;
const lowestShare = 0.5;

/**
 * The lower of two bounds, so that noise alone does not fail: a fifth below the worst run of
 * unchanged code, or three times the spread of those runs below their median. Never below half of
 * the worst run: whatever doubles its cost must be caught, and a ratio that is noisier than that
 * has to be measured better instead.
 */
export function bandOf(ratios: readonly number[]): Band {
  const sorted = [...ratios].sort((a, b) => a - b);
  const [min = 0] = sorted;
  const max = sorted.at(-1) ?? 0;
  const middle = middleOf(sorted);
  const forNoise = Math.min(minShare * min, middle - spreads * (max - min));
  const low = Math.max(lowestShare * min, forNoise);
  const runs = ratios.length;
  return { low: round(low), min: round(min), median: round(middle), max: round(max), runs };
}

/** In words, for every ratio that left its band; a faster one is none. */
export function outOfBand(
  measured: readonly Measured[],
  bands: Bands,
  toProfile: (name: string) => string,
): string[] {
  return measured.flatMap(({ name, ratio }) => {
    const band = bands[name];
    if (band === undefined) return [`${name}: it has no band yet; measure its noise first`];
    // So that no number at all is out of the band too.
    if (ratio >= band.low) return [];
    const usual = `usually ${band.median} (${band.min} to ${band.max} in ${band.runs} runs)`;
    const percent = Math.round(100 * (1 - ratio / band.median));
    return [
      `${name}: ${round(ratio)} is below ${band.low}, the low end of its band; ${usual}: ` +
        `${percent} % slower beside its limit. Profile: ${toProfile(name)}`,
    ];
  });
}

/** Bands that nothing was measured for: a ratio that was renamed or taken out. */
export function strayBands(measured: readonly Measured[], bands: Bands): string[] {
  const known = new Set(measured.map(({ name }) => name));
  return Object.keys(bands).filter((name) => !known.has(name));
}

export function middleOf(sorted: readonly number[]): number {
  const middle = Math.floor(sorted.length / 2);
  const high = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? 0) + high) / 2;
}

function round(ratio: number): number {
  return Math.round(ratio * 10_000) / 10_000;
}
