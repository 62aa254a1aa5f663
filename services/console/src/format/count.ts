import { grouped } from './money.js';

export function formatCount(count: number): string {
  const sign = count < 0 ? '\u2212' : '';
  return sign + grouped(Math.abs(count).toString());
}

/** `36.3 %`, rounded down to a tenth so that 100 % means all of them; a dash where nothing was. */
export function formatShare(part: number, whole: number): string {
  if (whole === 0) return '–';
  const permille = Math.floor((part * 1000) / whole);
  return `${Math.floor(permille / 10)}.${permille % 10} %`;
}

export function plural(count: number, one: string, many: string): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}
