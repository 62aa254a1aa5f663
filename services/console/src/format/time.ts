/** Times are shown in UTC, the zone that the platform's days and hours are cut in. */

const dayMs = 86_400_000;
const hourMs = 3_600_000;
const months = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

/** `2026-01-31` of an instant. */
export function dayOf(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10);
}

export function addDays(day: string, days: number): string {
  return dayOf(Date.parse(`${day}T00:00:00Z`) + days * dayMs);
}

export function isDay(text: string): boolean {
  const ms = Date.parse(`${text}T00:00:00Z`);
  // Printed back, because a 31st of February would be read as a day in March.
  return /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(ms) && dayOf(ms) === text;
}

/** `31 Jan`, or `31 Jan 2025` when asked for the year. */
export function formatDay(day: string, withYear = false): string {
  const [year = '', month = '', date = ''] = day.split('-');
  const name = months[Number.parseInt(month, 10) - 1] ?? month;
  const short = `${Number.parseInt(date, 10)} ${name}`;
  return withYear ? `${short} ${year}` : short;
}

/** `31 Jan 2026, 23:59:59`. */
export function formatInstant(at: string): string {
  const iso = new Date(at).toISOString();
  return `${formatDay(iso.slice(0, 10), true)}, ${iso.slice(11, 19)}`;
}

/** `23:59:59.123`, for events that stand close together. */
export function formatClock(at: string, withMs = false): string {
  return new Date(at).toISOString().slice(11, withMs ? 23 : 19);
}

/** The time between two events: `+0 ms`, `+1.25 s`, `+3 min 20 s`, `+2 h 5 min`. */
export function formatElapsed(fromAt: string, toAt: string): string {
  const ms = Date.parse(toAt) - Date.parse(fromAt);
  const sign = ms < 0 ? '\u2212' : '+';
  return sign + formatDuration(Math.abs(ms));
}

export function formatDuration(ms: number): string {
  if (ms < 1000) return `${ms} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(2)} s`;
  const seconds = Math.floor(ms / 1000);
  if (ms < hourMs) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const minutes = Math.floor(seconds / 60);
  if (ms < dayMs) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return `${Math.floor(ms / dayMs)} d ${Math.floor((ms % dayMs) / hourMs)} h`;
}

/** Every day from `from` (in) to `to` (out); the API leaves empty days out, a chart must not. */
export function daysBetween(from: string, to: string): readonly string[] {
  const days: string[] = [];
  for (let at = Date.parse(from.slice(0, 10)); at < Date.parse(to); at += dayMs) {
    days.push(dayOf(at));
  }
  return days;
}

/** As above for hours, keyed as the API keys them: `2026-01-31T23:00:00Z`. */
export function hoursBetween(from: string, to: string): readonly string[] {
  const hours: string[] = [];
  const start = Math.floor(Date.parse(from) / hourMs) * hourMs;
  for (let at = start; at < Date.parse(to); at += hourMs) {
    hours.push(`${new Date(at).toISOString().slice(0, 13)}:00:00Z`);
  }
  return hours;
}

/** Milliseconds of an ISO time, undefined where it is none. */
export function instantOf(text: string): number | undefined {
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}
