import type { OpenLoopFigures } from '../../driver/open-loop.js';
import { countText, type FigureTable } from '../../figure-table.js';
import { isWithin, type SoakFigures, type Trend } from './bench-soak.js';
import { picture } from './trend.js';

export function soakTables(figures: SoakFigures): FigureTable[] {
  const { rates, series, boundPerMinute, paid, unpaid, cpu, verdict } = figures;
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
  const row = (trend: Trend): string[] => {
    const { name, looks, medianMiB, slopeMiBPerMinute, isBounded } = trend;
    const values = looks.map(([, value]) => value);
    const bound = isBounded ? (isWithin(trend, boundPerMinute) ? 'flat' : 'GROWS') : '';
    return [
      ...[name, picture(values), countText(values[0] ?? 0), countText(medianMiB)],
      ...[countText(Math.max(...values)), slopeMiBPerMinute.toFixed(2), bound],
    ];
  };
  return [
    {
      head: ['MiB', 'over time', 'first', 'median', 'most', 'a minute', ''],
      rows: series.map(row),
      notes: [
        `${rates.minutes} minutes; median and growth are of the last two thirds. Own memory of our processes may grow by ${percent(boundPerMinute)} of it in a minute.`,
        loadLine(`${rates.paidPerS} paid crawls a second`, paid),
        loadLine(`${rates.unpaidPerS} challenges a second`, unpaid),
        `Processor, of one core: ${cpu.map(({ name, share }) => `${name} ${percent(share)}`).join(', ')}.`,
        `Audit: ${verdict}.`,
      ],
    },
  ];
}

function loadLine(name: string, load: OpenLoopFigures): string {
  const { requests, failures, refused, p50Ms, p99Ms, seen } = load;
  const times = `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms`;
  const kinds = Object.entries(seen).map(([kind, count]) => ` (${count} × ${kind})`);
  const not = `${failures} failures${kinds.join('')}, ${countText(refused.requests)} told to come back`;
  return `${name}: ${countText(requests - failures)} answered, ${times}, ${not}.`;
}
