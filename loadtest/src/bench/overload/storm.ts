import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { fail } from '@paycrawl/errors/paycrawl-error';
import { type LoadFigures, runClosedLoop } from '../../driver/closed-loop.js';
import { targetOf } from '../../driver/http-connection.js';
import type { OpenLoopFigures } from '../../driver/open-loop.js';
import type { BenchPlatform } from '../bench-platform.js';
import { benchChallenges, isPaid, signedRequests, type Target } from '../crawls.js';
import { whenFolded } from '../when-folded.js';

export interface StormOptions {
  /** Of those who pay. */
  readonly connections: number;
  /** As much more than the platform can answer is asked without a payment. */
  readonly times: number;
  readonly stormConnections: number;
  readonly seconds: number;
  /** Paid crawls a second that are not reached: so many proofs are signed. */
  readonly ratePerSMost: number;
  note(what: string): void;
}

export interface StormFigures {
  /** What the platform can answer of them when nobody pays. */
  readonly challenges: LoadFigures;
  readonly alone: LoadFigures;
  readonly beside: LoadFigures;
  readonly storm: StormRates;
}

/** Rates alone: it asks for more than its connections can take, so its waits grow without end. */
export interface StormRates {
  readonly wantedPerS: number;
  readonly offersPerS: number;
  readonly refusedPerS: number;
  /** By what was seen; what was not sent because its connections still waited is none. */
  readonly failures: Readonly<Record<string, number>>;
}

/** What the process of the storm is told. */
export interface Storm {
  readonly target: Target;
  readonly connections: number;
  readonly ratePerS: number;
  readonly seconds: number;
}

/** The storm begins before those who pay, and outlasts them. */
const leadSeconds = 1;
const capacitySeconds = 3;

/** Those who pay beside a storm of those who do not, which is made by a process of its own. */
export async function benchStorm(
  { run, target, offered }: BenchPlatform,
  options: StormOptions,
): Promise<StormFigures> {
  const { connections, times, stormConnections, seconds, ratePerSMost, note } = options;
  const signed = () => signedRequests(target, run.wallets, Math.ceil(ratePerSMost * seconds));
  const pay = (requests: Buffer[]): Promise<LoadFigures> =>
    runClosedLoop({
      target: targetOf(target.ingress),
      ...{ connections, secondsMax: seconds },
      next: () => requests.pop(),
      isExpected: isPaid,
    });
  note(`challenges alone, ${connections} at once`);
  await whenFolded(run.api);
  const challenges = await offered(() => benchChallenges(target, connections, capacitySeconds));
  note(`paid crawls alone, ${connections} at once`);
  await whenFolded(run.api);
  const alone = await pay(await signed());
  await whenFolded(run.api);
  const ratePerS = challenges.ratePerS * times;
  note(`paid crawls beside ${Math.round(ratePerS)} challenges a second`);
  const requests = await signed();
  const storm = startStorm({
    ...{ target, ratePerS, connections: stormConnections },
    seconds: seconds + 2 * leadSeconds,
  });
  await storm.begun;
  const beside = await pay(requests);
  return { challenges, alone, beside, storm: ratesOf(await storm.ended) };
}

function ratesOf({ offeredPerS, ratePerS, refused, seen }: OpenLoopFigures): StormRates {
  const { 'never sent': _unsent, 'no answer in time': _waiting, ...failures } = seen;
  const refusedPerS = refused.ratePerS;
  return { wantedPerS: offeredPerS, offersPerS: ratePerS, refusedPerS, failures };
}

interface RunningStorm {
  /** It has been going on for its lead. */
  readonly begun: Promise<void>;
  readonly ended: Promise<OpenLoopFigures>;
}

function startStorm(storm: Storm): RunningStorm {
  const program = fileURLToPath(new URL('./storm-main.js', import.meta.url));
  const child = fork(program, [JSON.stringify(storm)]);
  let begin = (): void => undefined;
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const ended = new Promise<OpenLoopFigures>((resolve, reject) => {
    child.on('message', (message: 'begun' | OpenLoopFigures) => {
      if (message === 'begun') setTimeout(begin, leadSeconds * 1000);
      else resolve(message);
    });
    child.once('exit', () => reject(fail('bench_failed', 'the storm ended before its time')));
  });
  return { begun, ended };
}
