import { countText, type FigureTable } from '../figure-table.js';
import type { AddedLatency } from './added-latency.js';

/** The one of the goal: at most so many appends, and so much. */
const appends = 3;
const besideMs = 5;

export function addedP99Ms({ crawls, origin }: AddedLatency): number {
  return crawls.p99Ms - origin.p99Ms;
}

/** By appends while nobody crawls: beside the crawls they are slower, and the goal would be easier. */
export function goalP99Ms(figures: AddedLatency): number {
  return appends * figures.appends.p99Ms + besideMs;
}

export function latencyTables(figures: AddedLatency & { readonly log: string }): FigureTable[] {
  const { peak, ratePerS, crawls, origin } = figures;
  const added = addedP99Ms(figures);
  const goal = goalP99Ms(figures);
  const ms = (value: number) => value.toFixed(1);
  const row = (what: string, { p50Ms, p99Ms }: AddedLatency['crawls'], perS: number) => [
    ...[what, ms(p50Ms), ms(p99Ms), `${countText(perS)}/s`],
  ];
  return [
    {
      head: [`${figures.log} log`, 'p50 ms', 'p99 ms', 'at'],
      rows: [
        row('paid crawls at the peak, 64 at once', peak, peak.ratePerS),
        row('durable appends while nobody crawls', figures.appends, ratePerS),
        row('durable appends beside the crawls', figures.appendsBeside, figures.besidePerS),
        row('the page from its site, past the ingress', origin, ratePerS),
        row('the page, paid, through the ingress', crawls, ratePerS),
        ['added by the ingress: the difference', ms(crawls.p50Ms - origin.p50Ms), ms(added), ''],
      ],
      notes: [
        `Goal: at most ${appends} appends while nobody crawls + ${besideMs} ms = ${ms(goal)} ms: ${added <= goal ? 'met' : 'MISSED'}.`,
        'Latencies count from when a request was due, medians of three rounds.',
      ],
    },
  ];
}
