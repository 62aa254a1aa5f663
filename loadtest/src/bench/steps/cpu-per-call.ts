/**
 * Processor time, not time on a clock: it says nearly the same on a machine that others use too. It
 * holds all threads of the process, so garbage and compilers that a step causes are its own.
 */
export interface Rounds {
  readonly calls: number;
  readonly rounds?: number;
}

const roundsDefault = 5;

/** The median over the rounds, after one that is not counted: compilers and caches are warm. */
export async function cpuUsPerCall(
  { calls, rounds = roundsDefault }: Rounds,
  run: (index: number) => unknown,
): Promise<number> {
  const all = async (): Promise<void> => {
    for (let index = 0; index < calls; index++) run(index);
  };
  return (await cpuUsOfRounds(rounds, all)) / calls;
}

/** The same for work that comes in one piece. */
export async function cpuUsOfRounds(
  rounds: number,
  run: (round: number) => Promise<unknown>,
): Promise<number> {
  await run(0);
  const us: number[] = [];
  for (let round = 1; round <= rounds; round++) us.push(await cpuUsOf(() => run(round)));
  return median(us);
}

export async function cpuUsOf(run: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = 0, high = 0] = [sorted[middle - 1 + (sorted.length % 2)], sorted[middle]];
  return (low + high) / 2;
}
