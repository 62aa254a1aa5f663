/** One step on the way of a paid crawl. */
export interface Step {
  readonly name: string;
  /** How often one crawl takes it; a share where it is taken for several crawls at once. */
  readonly perCrawl: number;
  /** Processor time of taking it once. */
  readonly us: number;
  /** Part of the step above it, so not counted again. */
  readonly isPart?: boolean;
  /** Part of a part. */
  readonly isDetail?: boolean;
}

export interface Budget {
  readonly steps: readonly Step[];
  readonly sumUs: number;
  /** What the platform used for a crawl from end to end; absent where it was not measured. */
  readonly crawlUs?: number;
  /** What no step explains; negative where steps cost less together than alone. */
  readonly restUs?: number;
}

/** Everything that a crawl costs and that stands in no row. */
export const restIs =
  'what services cost each other in one process: threads that wait for a core, caches that they ' +
  'share, one collector for all of them';

export function budgetOf(steps: readonly Step[], crawlUs?: number): Budget {
  const sumUs = steps.reduce((sum, step) => sum + (step.isPart ? 0 : usOf(step)), 0);
  if (crawlUs === undefined) return { steps, sumUs };
  return { steps, sumUs, crawlUs, restUs: crawlUs - sumUs };
}

export function usOf({ perCrawl, us }: Step): number {
  return perCrawl * us;
}

/** Cells of the table, the sum and the rest last. */
export function rowsOf({ steps, sumUs, crawlUs, restUs }: Budget): string[][] {
  const rows = steps.map((step) => [
    `${step.isDetail ? '    ' : ''}${step.isPart ? '  of it: ' : ''}${step.name}`,
    count(step.perCrawl),
    step.us.toFixed(2),
    step.isPart ? `(${usOf(step).toFixed(1)})` : usOf(step).toFixed(1),
  ]);
  rows.push(['sum of the steps', '', '', sumUs.toFixed(1)]);
  if (crawlUs === undefined || restUs === undefined) return rows;
  const percent = ((100 * restUs) / crawlUs).toFixed(0);
  rows.push(['a paid crawl from end to end, all of the platform', '', '', crawlUs.toFixed(1)]);
  rows.push([`not explained by a step: ${percent} %`, '', '', restUs.toFixed(1)]);
  return rows;
}

export const budgetHead = ['step', 'a crawl', 'µs each', 'µs a crawl'];

function count(perCrawl: number): string {
  return Number.isInteger(perCrawl) ? String(perCrawl) : perCrawl.toFixed(3);
}
