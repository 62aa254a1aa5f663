import type { History } from './history.js';
import { type Mistake, mistakeNames, mistakes } from './mistakes/mistakes.js';
import { simulate } from './simulate.js';

/** The first seed that finds a mistake, and the check that it fails first. */
export interface Caught {
  readonly mistake: Mistake;
  readonly seed: number | undefined;
  readonly checks: readonly string[];
  readonly tried: number;
}

export async function catchMistake(
  mistake: Mistake,
  fromSeed: number,
  seedsMax: number,
): Promise<Caught> {
  for (let tried = 1; tried <= seedsMax; tried++) {
    const history = await simulate(fromSeed + tried - 1, mistake);
    if (history.findings.length === 0) continue;
    // What the unbroken system fails too says nothing about the mistake.
    if ((await simulate(history.seed)).findings.length > 0) continue;
    return { mistake, seed: history.seed, checks: checksOf(history), tried };
  }
  return { mistake, seed: undefined, checks: [], tried: seedsMax };
}

export async function catchAll(
  fromSeed: number,
  seedsMax: number,
  onCaught: (caught: Caught) => void,
): Promise<Caught[]> {
  const all: Caught[] = [];
  for (const mistake of mistakeNames) {
    const caught = await catchMistake(mistake, fromSeed, seedsMax);
    onCaught(caught);
    all.push(caught);
  }
  return all;
}

/** Each kind once, what says most first. */
function checksOf({ findings }: History): string[] {
  const checks = [...new Set(findings.map(({ check }) => check))];
  return checks.sort((a, b) => vagueness(a) - vagueness(b));
}

/** That something has no end is a consequence; what broke is the better word for it. */
function vagueness(check: string): number {
  const vague = ['no_end', 'charge_open', 'hold_open', 'state_differs', 'projection_differs'];
  return vague.indexOf(check) + 1;
}

const seedColumn = '| mistake | what is planted | seed | fails | seeds tried |';

/** `docs/simulator.md`, as `npm run simulate -- --mistakes` writes it. */
export function pageOf(all: readonly Caught[]): string {
  const rows = all.map(({ mistake, seed, checks, tried }) => {
    const failed = checks.slice(0, 3).map((check) => `\`${check}\``);
    return `| \`${mistake}\` | ${mistakes[mistake][0]} | ${seed ?? 'none'} | ${failed.join(', ')} | ${tried} |`;
  });
  return `${[...preface, seedColumn, '|---|---|---|---|---|', ...rows, '', ...ending].join('\n')}\n`;
}

/** Seeds by mistake, read back from the page. */
export function seedsOf(page: string): Map<Mistake, number> {
  const seeds = new Map<Mistake, number>();
  for (const [, name, seed] of page.matchAll(/^\| `(\w+)` \| [^|]+ \| (\d+) \|/gm)) {
    seeds.set(name as Mistake, Number.parseInt(seed ?? '', 10));
  }
  return seeds;
}

const preface = [
  '# The simulator',
  '',
  'Written by `npm run simulate -- --mistakes`; not edited by hand.',
  '',
  'A seed is one exact history of the whole loop: the real folds (admission, books, batches,',
  'projections), their drivers and the real fold runtime, on a log, disks, a chain and a warehouse',
  'in memory, under a scheduler that delays, reorders, repeats and loses, kills processes after',
  'every named step, moves partitions, leaves zombies with and without a store of their own, cuts',
  'power, loses machines, moves clocks, and reorganises the chain. When the weather clears,',
  'everything must come to its end, and the audit, the chain, a replay from offset 0 and the',
  'projections must agree.',
  '',
  '```',
  'npm run simulate -- --seeds 10000              fresh seeds; prints the first that fails',
  'npm run simulate -- --seed 42                  one history again',
  'npm run simulate -- --seed 42 --mistake NAME   the same with a mistake planted',
  'npm run simulate -- --mistakes                 this table',
  '```',
  '',
  'Each mistake is planted from outside, by wrapping what the code of production is given (its log,',
  'sink, store, chain) or the fold itself; that code holds no switch. A test runs every seed of the',
  'table with its mistake, which must be found, and without, which must pass.',
  '',
];

const ending = [
  'What fails is the rule of [the audit](../loadtest/src/audit/finding.ts) or of the',
  '[simulator](../packages/simulator/README.md) that the history broke.',
];
