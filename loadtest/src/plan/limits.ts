import type { AddedLatency } from '../bench/added-latency.js';
import { goodputMost } from '../bench/overload/overload-tables.js';
import type { Step } from '../bench/steps/budget.js';
import { countText } from '../figure-table.js';
import type { Kept } from './measurements.js';

/** Paid crawls a second that all cores could serve and chart if they did nothing else. */
export function crawlLimit({ steps }: Kept): number | undefined {
  if (steps?.limitUs === undefined) return undefined;
  return (steps.machine.cores * 1e6) / steps.limitUs;
}

/** What stands in the way of a goal, in a sentence with the figures of the kept runs. */
export const limitOf = {
  challenges(kept: Kept): string | undefined {
    const { bench, steps } = kept;
    const fastify = bench?.ratesPerS.fastify;
    const sentences: string[] = [];
    if (steps?.challengeUs !== undefined) {
      sentences.push(
        `A challenge with its record, its charts and the load that asks takes ${us(steps.challengeUs)} of all processors where 64 ask at once, and less where more do.`,
      );
    }
    if (fastify !== undefined) {
      sentences.push(
        `Bare Fastify, which writes nothing down, answers ${perS(fastify)} to the same load.`,
      );
    }
    return sentences.length === 0 ? undefined : sentences.join(' ');
  },

  crawls(kept: Kept): string | undefined {
    const { steps } = kept;
    const most = crawlLimit(kept);
    if (steps?.limitUs === undefined || most === undefined) return undefined;
    const largest = piecesOf(steps.budget.steps)
      .sort((one, other) => usOf(other) - usOf(one))
      .slice(0, 5);
    return (
      `Of all processors: the named steps of a crawl with the load and its site, settlement not in it, are ${us(steps.limitUs)}, ` +
      `${perS(most)} on ${steps.machine.cores} cores. The largest pieces: ${largest.map(pieceOf).join('; ')}.`
    );
  },

  flood({ bench }: Kept): string | undefined {
    const ratio = bench?.ratios['flood-cpu'];
    const recovery = bench?.ratesPerS.recovery;
    if (ratio === undefined || recovery === undefined) return undefined;
    return `A stranger's proof is checked as any other (${us(1e6 / recovery)} of recovery alone) before anybody can know that its wallet is empty; by processor time it is ${ratio.toFixed(2)} ×.`;
  },

  verify({ bench, steps }: Kept): string | undefined {
    const rate = bench?.loads.verify?.ratePerS;
    const recovery = bench?.ratesPerS.recovery;
    if (rate === undefined || recovery === undefined || bench === undefined) return undefined;
    const each = (bench.machine.cores * 1e6) / rate;
    const answered = steps?.budget.steps.find(({ name }) => name.includes('received and answered'));
    const http = answered === undefined ? '' : `, ${us(answered.us)} a bare HTTP exchange`;
    return `One thread answers, another one recovers: of ${us(each)} of ${bench.machine.cores} cores, ${us(1e6 / recovery)} are recovery${http}; the rest is JSON, rules, the record of each answer, the node that is asked about funds, and the load.`;
  },

  latency({ appends, appendsBeside }: AddedLatency): string {
    return `Appends themselves: p99 ${ms(appendsBeside.p99Ms)} beside the crawls and ${ms(appends.p99Ms)} alone, and a paid crawl waits for two of them, one after the other.`;
  },

  goodput({ overload }: Kept): string | undefined {
    const times = overload?.beyond.offers.at(-1)?.times;
    if (overload?.refusal === undefined || times === undefined) return undefined;
    const { answeredUs, askedUs } = overload.refusal;
    return `At ${times} × the peak ${goodputMost(overload, times)?.toFixed(2)} × is possible: a refusal takes at least ${us(answeredUs)} of the ingress and ${us(askedUs)} of the load on the same cores.`;
  },

  replay({ replay, steps }: Kept): string | undefined {
    const cpuUs = replay?.admission.cpuUs;
    if (cpuUs === undefined) return undefined;
    const decode = meanOf(steps?.budget.steps ?? [], 'decode ');
    const reading = decode === undefined ? '' : `; reading one takes ${us(decode)}`;
    return `One thread a partition: ${us(cpuUs)} of processor time for a record of admission, its outputs encoded${reading}.`;
  },

  rebuild({ replay }: Kept): string | undefined {
    if (replay === undefined) return undefined;
    const { cpuUs, recordsPerS, factsPerS, rowsPerS } = replay.rebuild;
    const rows = rowsPerS / recordsPerS;
    return `${us(cpuUs)} of processor time for a record, the engine in the same process: decoded, folded, ${rows.toFixed(1)} rows written as columns and stored; ${(recordsPerS / factsPerS).toFixed(1)} records make a fact.`;
  },

  revenue({ revenue }: Kept): string | undefined {
    if (revenue === undefined) return undefined;
    const most = Math.max(...revenue.queries.map(({ cpuMs }) => cpuMs));
    return `The engine: up to ${ms(most)} of processor time for a query.`;
  },
};

/** Steps and what they leave, with the service that takes them; those of settlement may wait. */
function piecesOf(steps: readonly Step[]): Step[] {
  const pieces: Step[] = [];
  let service = '';
  for (const step of steps) {
    if (step.isPart !== true) service = step.name.split(':')[0] ?? '';
    else if (step.isDetail !== true && service !== 'settlement') {
      pieces.push({ ...step, name: `${service}: ${step.name}` });
    }
  }
  return pieces;
}

function pieceOf(step: Step): string {
  return `${step.name} ${us(usOf(step))}`;
}

function usOf({ perCrawl, us: each }: Step): number {
  return perCrawl * each;
}

function meanOf(steps: readonly Step[], prefix: string): number | undefined {
  const found = steps.filter(({ name }) => name.startsWith(prefix));
  if (found.length === 0) return undefined;
  return found.reduce((sum, step) => sum + step.us, 0) / found.length;
}

function us(value: number): string {
  return `${value.toFixed(value < 10 ? 1 : 0)} µs`;
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`;
}

function perS(rate: number): string {
  return `${countText(rate)}/s`;
}
