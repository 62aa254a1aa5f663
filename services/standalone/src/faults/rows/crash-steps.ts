import { expect } from 'vitest';
import { crashSteps } from '../../crash-point.js';
import type { FleetMember } from '../../processes/fleet.js';
import type { ServiceName } from '../../processes/start-service.js';
import {
  allOrOne,
  type Choice,
  type FaultCase,
  type FaultContext,
  type FaultFigures,
  type FaultRow,
} from '../fault.js';
import type { Load } from '../load.js';
import { inSeconds, serviceNames, until, workGap } from '../work.js';

/** How often a step is passed at most before the process dies; some pass once a second. */
const passagesMax = 5;
const diesWithinMs = 30_000;
const goesOnWithinMs = 3_000;
/** The lease (`DELIVERY_LEASE_MS`, a minute) and half of it. */
const leaseEndsWithinMs = 90_000;

export const crashAtSteps: FaultRow = {
  name: 'kill -9 at a step',
  mustHold: 'loss 0, duplicates 0; work goes on within 3 s; other services unaffected',
  cases: (choice) =>
    serviceNames.flatMap((service) => {
      const own = crashSteps.filter((step) => step.startsWith(`${service}.`));
      return allOrOne(own, choice).map((step) => caseOf(service, step, choice));
    }),
};

function caseOf(service: ServiceName, step: string, { random }: Choice): FaultCase {
  const crashAt = `${step}:${1 + Math.floor(random() * passagesMax)}`;
  return {
    name: crashAt,
    timeoutMs: 180_000,
    run: (context) => dieAndGoOn(service, crashAt, context),
  };
}

/** One instance dies by itself, as armed; a supervisor starts it again at once. */
async function dieAndGoOn(
  service: ServiceName,
  crashAt: string,
  context: FaultContext,
): Promise<FaultFigures> {
  const { platform, load, loadAt, limitMs } = context;
  const instance = `${service}-1`;
  await platform.member(instance).stop();
  const dying = await platform.fleet.start(service, instance, { CRASH_AT: crashAt });
  // A till that is started again has no connections of those who come through the balancer.
  const isTill = service === 'ingress';
  const own = isTill ? loadAt(dying.origin) : load;
  await until(dying.isGone, limitMs(diesWithinMs), `${crashAt} is not passed`);
  expect(await dying.ended()).toEqual({ code: null, signal: 'SIGKILL' });
  const diedMs = performance.now();
  const before = load.figures();
  const working = isTill ? undefined : workGap(service, { platform, load, limitMs });
  await platform.start(instance);
  const startMs = performance.now() - diedMs;
  const workMs = (await working) ?? (await tillGap(dying, diedMs, context));
  await load.morePages(3, limitMs(20_000));
  const after = load.figures();
  const gapMs = load.gapSince(diedMs);
  expect(workMs).toBeLessThan(limitMs(goesOnWithinMs));
  expect(gapMs).toBeLessThan(limitMs(goesOnWithinMs));
  expect(after.refusals).toEqual(before.refusals);
  // Connections to a till that is no more end without an answer; nobody else's do.
  if (!isTill) expect(after.broken).toEqual(before.broken);
  const again =
    `${instance} is ready again after ${inSeconds(startMs)}, ` +
    `works again after ${inSeconds(workMs)}`;
  return { gapMs, note: isTill ? `${again}; ${await leasesOf(own, diedMs, context)}` : again };
}

/** Beside a till that died the other one sells; this one does when new proofs are answered here. */
async function tillGap(
  { origin }: FleetMember,
  diedMs: number,
  { loadAt, limitMs }: FaultContext,
): Promise<number> {
  await loadAt(origin).morePages(1, limitMs(diesWithinMs));
  return performance.now() - diedMs;
}

/**
 * A proof that the dead till had taken is bound to its lease: a repeat gets 503 with `Retry-After`
 * until the lease ends, and then takes over the hold.
 */
async function leasesOf(own: Load, diedMs: number, { limitMs }: FaultContext): Promise<string> {
  await own.morePages(3, limitMs(leaseEndsWithinMs));
  const waitedMs = own.gapSince(diedMs);
  expect(waitedMs).toBeLessThan(limitMs(leaseEndsWithinMs));
  return `proofs that it had taken are answered after ${inSeconds(waitedMs)}`;
}
