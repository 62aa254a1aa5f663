import { fail } from '@paycrawl/errors/paycrawl-error';
import { dayMs, hourMs } from '../projection/totals.js';

/** `[fromMs, toMs)`, Unix milliseconds. */
export interface Period {
  readonly fromMs: number;
  readonly toMs: number;
}

const dayCountDefault = 30;
const dayCountMax = 400;
const grammar = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2}))?$/;

/** Reads dates and times of a query; `to` is exclusive and defaults to now. */
export function readPeriod(query: { from?: string; to?: string }, nowMs: number): Period {
  const toMs = query.to === undefined ? nowMs + 1 : readTime('to', query.to);
  const fromMs =
    query.from === undefined ? toMs - dayCountDefault * dayMs : readTime('from', query.from);
  if (fromMs >= toMs) throw fail('request_invalid', 'from must be before to');
  if (toMs - fromMs > dayCountMax * dayMs) {
    throw fail('request_invalid', `from and to are at most ${dayCountMax} days apart`);
  }
  return { fromMs, toMs };
}

function readTime(name: string, text: string): number {
  const timeMs = grammar.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(timeMs) || timeMs < 0) {
    throw fail('request_invalid', `${name} is a date or a time such as 2026-01-31T23:00:00Z`);
  }
  return timeMs;
}

/** Outward to whole units: what the roll-ups can tell. */
export function roundOutward({ fromMs, toMs }: Period, unit: 'hour' | 'day'): Period {
  const unitMs = unit === 'hour' ? hourMs : dayMs;
  return { fromMs: fromMs - (fromMs % unitMs), toMs: Math.ceil(toMs / unitMs) * unitMs };
}

export function isoOf(atMs: number): string {
  return new Date(atMs).toISOString();
}
