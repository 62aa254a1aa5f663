import { countText } from '../figure-table.js';
import type { Kept } from './measurements.js';

interface Goal {
  readonly what: string;
  readonly goal: number;
  readonly measured: number | undefined;
  readonly by: string;
  /** A rate a second, or a ratio. */
  readonly kind: 'rate' | 'ratio';
}

/** What the platform is to reach, beside what the kept runs reached. */
export function goalRows(kept: Kept): string[][] {
  return goalsOf(kept).flatMap(({ what, goal, measured, by, kind }) => {
    if (measured === undefined) return [];
    const text = (value: number) => (kind === 'rate' ? `${countText(value)}/s` : value.toFixed(2));
    return [[what, `≥ ${text(goal)}`, text(measured), measured >= goal ? 'met' : 'missed', by]];
  });
}

function goalsOf({ bench, kafka }: Kept): Goal[] {
  const rate = (what: string, load: string, goal: number): Goal => ({
    ...{ what, goal, kind: 'rate', by: 'npm run bench' },
    measured: bench?.loads[load]?.ratePerS,
  });
  const ratio = (what: string, name: string, goal: number, of = 1): Goal => ({
    ...{ what, goal, kind: 'ratio', by: 'npm run bench' },
    measured: bench?.ratios[name] === undefined ? undefined : bench.ratios[name] / of,
  });
  // Recovery is measured on one core; the goals speak of all.
  const cores = bench?.machine.cores ?? 1;
  return [
    rate('challenges, each durable before it is answered', 'challenges', 40_000),
    ratio('the same, to bare Fastify answering the same bytes', 'challenges', 0.5),
    rate('paid crawls, 64 at once', 'paid-64', 8_000),
    ratio('the same, to bare recovery on all cores', 'paid-64', 0.3, cores),
    rate('facilitator /verify', 'verify', 10_000),
    ratio('the same, to bare recovery on all cores', 'verify', 0.4, cores),
    rate('first proofs of payers never seen', 'first-proofs', 1_000),
    ratio('paid crawls beside a flood of empty wallets, to without it', 'flood', 0.9),
    {
      ...{ what: 'paid crawls over Kafka, to embedded', goal: 0.5, kind: 'ratio' },
      measured: kafka?.ratios['paid-kafka'],
      by: 'npm run bench -- --kafka',
    },
  ];
}
