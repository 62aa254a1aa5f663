import type { LoadFigures } from '../../driver/closed-loop.js';
import { countText, type FigureTable } from '../../figure-table.js';
import type { Machine } from '../../figures.js';
import type { RefusalCost } from '../steps/http-steps.js';
import type { BeyondPeak } from './beyond-peak.js';
import type { StormFigures } from './storm.js';

export interface OverloadFigures {
  readonly machine: Machine;
  readonly beyond: BeyondPeak;
  /** Undefined where it was not asked for. */
  readonly storm: StormFigures | undefined;
  /** As many more than can be answered. */
  readonly stormTimes: number;
  /** Undefined in runs that were kept before it was measured with them. */
  readonly refusal?: RefusalCost | undefined;
}

const goodputGoal = 0.9;

export function overloadTables(figures: OverloadFigures): FigureTable[] {
  const { storm, stormTimes } = figures;
  const tables = [{ ...beyondTable(figures), notes: [...refusalNotes(figures), dueNote] }];
  return storm === undefined ? tables : [...tables, stormTable(storm, stormTimes)];
}

function refusalNotes({ refusal, machine }: OverloadFigures): string[] {
  if (refusal === undefined) return [];
  const [answered, asked] = [refusal.answeredUs, refusal.askedUs].map((us) => us.toFixed(1));
  return [
    `A refusal takes at least ${answered} µs of the ingress and ${asked} µs of the load, which shares its cores. Possible is what these leave of ${machine.cores} cores to crawls that cost what they cost at the peak.`,
  ];
}

const dueNote =
  'Latencies count from when a request was due; told to come back: 503 with Retry-After.';

/** To the peak, where so many times the peak is offered and all that is not served is refused. */
export function goodputMost(
  { machine, beyond, refusal }: OverloadFigures,
  times: number,
): number | undefined {
  if (refusal === undefined) return undefined;
  const crawlUs = (machine.cores * 1e6) / beyond.peak.ratePerS;
  const share = (refusal.answeredUs + refusal.askedUs) / crawlUs;
  return Math.min(times, (1 - times * share) / (1 - share));
}

function beyondTable(figures: OverloadFigures): Pick<FigureTable, 'head' | 'rows'> {
  const { peak, offers } = figures.beyond;
  const head = [
    'paid crawls',
    'served',
    'possible',
    'p50 ms',
    'p99 ms',
    'told to come back',
    'p99 ms',
  ];
  const rows = offers.map(({ times, goodput, figures: served }) => {
    const isMet = goodput >= goodputGoal ? 'met' : 'MISSED';
    const { refused } = served;
    const possible = goodputMost(figures, times);
    return [
      `${times} × the peak, ${perS(served.offeredPerS)}`,
      `${perS(served.ratePerS)}, ${goodput.toFixed(2)} × the peak (goal ${goodputGoal}: ${isMet})`,
      possible === undefined ? '' : `${possible.toFixed(2)} ×`,
      ...latencies(served),
      perS(refused.ratePerS),
      refused.requests === 0 ? '' : refused.p99Ms.toFixed(1),
    ];
  });
  const first = ['the peak, 64 at once', perS(peak.ratePerS), '', ...latencies(peak), '', ''];
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
