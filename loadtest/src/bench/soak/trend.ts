/** One look: minutes since the load began, and the value. */
export type Look = readonly [minutes: number, value: number];

/**
 * How much a value grows in a minute: the median slope over all pairs (Theil and Sen), so that a
 * collection of garbage or a late look moves it little.
 */
export function slopePerMinute(looks: readonly Look[]): number {
  const slopes: number[] = [];
  for (const [i, [from, before]] of looks.entries()) {
    for (const [to, after] of looks.slice(i + 1)) {
      if (to > from) slopes.push((after - before) / (to - from));
    }
  }
  return median(slopes);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  if (sorted.length % 2 === 1) return sorted[middle] ?? 0;
  return ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

const bars = '▁▂▃▄▅▆▇█';
const widthMost = 40;

/** A picture of the values in one line, from 0 to the largest. */
export function picture(values: readonly number[]): string {
  const most = Math.max(...values, 1);
  const step = Math.max(1, values.length / widthMost);
  let line = '';
  for (let at = 0; at < values.length; at += step) {
    const value = values[Math.floor(at)] ?? 0;
    line += bars[Math.min(bars.length - 1, Math.floor((value / most) * bars.length))];
  }
  return line;
}
