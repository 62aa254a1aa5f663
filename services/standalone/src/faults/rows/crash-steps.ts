import { expect } from 'vitest';
import { crashSteps } from '../../crash-point.js';
import {
  allOrOne,
  type Choice,
  type FaultCase,
  type FaultContext,
  type FaultFigures,
  type FaultRow,
} from '../fault.js';
import { inSeconds, serviceNames, until, workGap } from '../work.js';

type Service = (typeof serviceNames)[number];

/** How often a step is passed at most before the process dies; some pass once a second. */
const passagesMax = 5;
const diesWithinMs = 30_000;
const goesOnWithinMs = 3_000;

export const crashAtSteps: FaultRow = {
  name: 'kill -9 at a step',
  mustHold: 'loss 0, duplicates 0; work goes on within 3 s; other services unaffected',
  cases: (choice) =>
    serviceNames.flatMap((service) => {
      const own = crashSteps.filter((step) => step.startsWith(`${service}.`));
      return allOrOne(own, choice).map((step) => caseOf(service, step, choice));
    }),
};

function caseOf(service: Service, step: string, { random }: Choice): FaultCase {
  const crashAt = `${step}:${1 + Math.floor(random() * passagesMax)}`;
  return {
    name: crashAt,
    timeoutMs: 120_000,
    run: (context) => dieAndGoOn(service, crashAt, context),
  };
}

/** One instance dies by itself, as armed; a supervisor starts it again at once. */
async function dieAndGoOn(
  service: Service,
  crashAt: string,
  context: FaultContext,
): Promise<FaultFigures> {
  const { platform, load, loadAt, limitMs } = context;
  const instance = `${service}-1`;
  await platform.member(instance).stop();
  const dying = await platform.fleet.start(service, instance, { CRASH_AT: crashAt });
  // A till that is started again has no connections of those who come through the balancer.
  const own = service === 'ingress' ? loadAt(dying.origin) : load;
  await until(dying.isGone, limitMs(diesWithinMs), `${crashAt} is not passed`);
  expect(await dying.ended()).toEqual({ code: null, signal: 'SIGKILL' });
  const diedMs = performance.now();
  const before = load.figures();
  const working = workGap(service, { platform, load: own, limitMs });
  await platform.start(instance);
  const workMs = await working;
  await load.morePages(3, limitMs(20_000));
  const after = load.figures();
  const gapMs = load.gapSince(diedMs);
  // Beside a till that died the other one sells; all other work waits for the new start.
  if (service !== 'ingress') expect(workMs).toBeLessThan(limitMs(goesOnWithinMs));
  expect(gapMs).toBeLessThan(limitMs(goesOnWithinMs));
  expect(after.refusals).toEqual(before.refusals);
  // Connections to a till that is no more end without an answer; nobody else's do.
  if (service !== 'ingress') expect(after.broken).toEqual(before.broken);
  return { gapMs, note: `${instance} works again after ${inSeconds(workMs)}` };
}
