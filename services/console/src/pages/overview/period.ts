import type { Period } from '../../api/paycrawl-api.js';
import { addDays, dayOf, formatDay, isDay } from '../../format/time.js';

export const presets = ['today', '7d', '30d', '90d'] as const;
export type Preset = (typeof presets)[number];

export const presetTitles: Readonly<Record<Preset | 'custom', string>> = {
  today: 'Today',
  '7d': '7 days',
  '30d': '30 days',
  '90d': '90 days',
  custom: 'Dates',
};

const presetDays: Readonly<Record<Preset, number>> = { today: 1, '7d': 7, '30d': 30, '90d': 90 };

/** A period as a reader chose it: days in UTC, the last one included. */
export interface ChosenPeriod {
  readonly preset: Preset | 'custom';
  readonly first: string;
  readonly last: string;
  /** What the API is asked; `to` is out, and left away where the period reaches until now. */
  readonly period: Period;
  /** A single day is cut in hours. */
  readonly isHourly: boolean;
}

/** Reads the address; whatever is not a period there becomes the last 30 days. */
export function periodOf(params: URLSearchParams, nowMs: number): ChosenPeriod {
  const today = dayOf(nowMs);
  const first = params.get('from') ?? '';
  const last = params.get('to') ?? '';
  if (isDay(first) && isDay(last) && first <= last) {
    const period = last >= today ? { from: first } : { from: first, to: addDays(last, 1) };
    return { preset: 'custom', first, last, period, isHourly: first === last };
  }
  const preset = presets.find((known) => known === params.get('range')) ?? '30d';
  const from = addDays(today, 1 - presetDays[preset]);
  return { preset, first: from, last: today, period: { from }, isHourly: preset === 'today' };
}

/** What the address becomes when a reader chooses; the default leaves no trace in it. */
export function paramsOf(preset: Preset): URLSearchParams {
  return new URLSearchParams(preset === '30d' ? {} : { range: preset });
}

export function periodTitle({ first, last }: ChosenPeriod): string {
  if (first === last) return formatDay(first, true);
  const isOneYear = first.slice(0, 4) === last.slice(0, 4);
  return `${formatDay(first, !isOneYear)} – ${formatDay(last, true)}`;
}
