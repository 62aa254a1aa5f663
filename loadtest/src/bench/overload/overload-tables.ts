import type { LoadFigures } from '../../driver/closed-loop.js';
import { countText, type FigureTable } from '../../figure-table.js';
import type { BeyondPeak } from './beyond-peak.js';
import type { StormFigures } from './storm.js';

export interface OverloadFigures {
  readonly beyond: BeyondPeak;
  /** Undefined where it was not asked for. */
  readonly storm: StormFigures | undefined;
  /** As many more than can be answered. */
  readonly stormTimes: number;
  /** Processor time of one refusal, and of the request that it answers. */
  readonly refusalUs: number;
}

const goodputGoal = 0.9;

export function overloadTables({ beyond, storm, ...figures }: OverloadFigures): FigureTable[] {
  const refusal = `A refusal takes ${figures.refusalUs.toFixed(0)} µs of the ingress, its request included.`;
  const tables = [{ ...beyondTable(beyond), notes: [refusal, dueNote] }];
  return storm === undefined ? tables : [...tables, stormTable(storm, figures.stormTimes)];
}

const dueNote =
  'Latencies count from when a request was due; told to come back: 503 with Retry-After.';

function beyondTable({ peak, offers }: BeyondPeak): Pick<FigureTable, 'head' | 'rows'> {
  const head = ['paid crawls', 'served', 'p50 ms', 'p99 ms', 'told to come back', 'p99 ms'];
  const rows = offers.map(({ times, figures, goodput }) => {
    const isMet = goodput >= goodputGoal ? 'met' : 'MISSED';
    const { refused } = figures;
    return [
      `${times} × the peak, ${perS(figures.offeredPerS)}`,
      `${perS(figures.ratePerS)}, ${goodput.toFixed(2)} × the peak (goal ${goodputGoal}: ${isMet})`,
      ...latencies(figures),
      perS(refused.ratePerS),
      refused.requests === 0 ? '' : refused.p99Ms.toFixed(1),
    ];
  });
  const first = ['the peak, 64 at once', perS(peak.ratePerS), ...latencies(peak), '', ''];
  return { head, rows: [first, ...rows] };
}

function stormTable(
  { challenges, alone, beside, storm }: StormFigures,
  times: number,
): FigureTable {
  const ratio = (beside.ratePerS / alone.ratePerS).toFixed(2);
  return {
    head: ['beside those who never pay', 'served', 'p50 ms', 'p99 ms'],
    rows: [
      ['challenges alone, 64 at once', perS(challenges.ratePerS), ...latencies(challenges)],
      ['paid crawls alone, 64 at once', perS(alone.ratePerS), ...latencies(alone)],
      [
        `paid crawls beside a storm, ${times} × what can be answered`,
        `${perS(beside.ratePerS)}, ${ratio} × alone`,
        ...latencies(beside),
      ],
    ],
    notes: [
      `The storm wanted ${perS(storm.wantedPerS)} over 1,024 connections and got ${perS(storm.offersPerS)} offers and ${perS(storm.refusedPerS)} refusals, a second before and after the paid crawls included; its connections wait for their refusals.`,
    ],
  };
}

function latencies({ p50Ms, p99Ms }: LoadFigures): [string, string] {
  return [p50Ms.toFixed(1), p99Ms.toFixed(1)];
}

function perS(rate: number): string {
  return `${countText(rate)}/s`;
}
