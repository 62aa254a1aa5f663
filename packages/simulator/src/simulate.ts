import { type History, runHistory } from './history.js';
import { type Mistake, mistakes } from './mistakes/mistakes.js';
import { nothingPlanted } from './planted.js';

/** Seeds are numbers for people: they are said, written down and typed again. */
export const seedMax = 1_000_000_000;

export function simulate(seed: number, mistake?: Mistake): Promise<History> {
  return runHistory(seed, mistake === undefined ? nothingPlanted : mistakes[mistake][1]);
}

/** The end of the story, and the command that tells it again. */
export function reportOf(history: History, mistake?: Mistake, linesMax = 60): string {
  const { seed, findings, virtualMs } = history;
  const journal = history.journal();
  const first = journal.findIndex((line) => line.includes('!! '));
  const end = first < 0 ? journal.length : first + Math.min(10, findings.length);
  const excerpt = journal.slice(Math.max(0, end - linesMax), end);
  const ids = new Set(findings.slice(0, 3).map(({ id }) => id.slice(0, 14)));
  const earlier = journal
    .slice(0, Math.max(0, end - linesMax))
    .filter((line) => [...ids].some((id) => id.length > 8 && line.includes(id)));
  return [
    `seed ${seed}: ${findings.length} findings after ${Math.round(virtualMs / 1000)} virtual seconds`,
    ...findings.slice(0, 10).map(({ check, id, detail }) => `  ${check} ${id}: ${detail}`),
    '',
    'how it went (virtual seconds; what it is about, then the end):',
    ...earlier.slice(-30),
    ...excerpt,
    '',
    `again: ${commandOf(seed, mistake)}`,
  ].join('\n');
}

export function commandOf(seed: number, mistake?: Mistake): string {
  const planted = mistake === undefined ? '' : ` --mistake ${mistake}`;
  return `npm run simulate -- --seed ${seed}${planted}`;
}
