import { setTimeout as delay } from 'node:timers/promises';
import type { NetworkState, TcpProxy } from '@paycrawl/testkit/tcp-proxy';
import { expect } from 'vitest';
import type { ServiceName } from '../../processes/start-service.js';
import {
  type Choice,
  drawn,
  type FaultCase,
  type FaultContext,
  type FaultFigures,
  type FaultRow,
} from '../fault.js';
import { inSeconds, serviceNames, until, workGap } from '../work.js';

/** Longer than a session of the group: another instance takes over, and this one is a zombie. */
const faultMs = 8_000;
const resetEveryMs = 250;
const resetShare = 0.05;
const backWithinMs = 10_000;

interface NetworkFault {
  readonly name: string;
  /** Resolves when it is over. */
  bring(proxies: readonly TcpProxy[], choice: Choice): Promise<void>;
}

const held = (name: string, state: NetworkState): NetworkFault => ({
  name,
  async bring(proxies) {
    for (const proxy of proxies) proxy.set(state);
    await delay(faultMs);
    // Connections that were half-open stay so: who holds them has to find out.
    for (const proxy of proxies) proxy.set({ kind: 'pass' });
  },
});

const faults: readonly NetworkFault[] = [
  held('cut', { kind: 'cut' }),
  held('500 ms later', { kind: 'delay', delayMs: 500 }),
  {
    name: '5 % of connections reset, four times a second',
    async bring(proxies, { random }) {
      for (let ms = 0; ms < faultMs; ms += resetEveryMs) {
        for (const proxy of proxies) proxy.reset(resetShare, random);
        await delay(resetEveryMs);
      }
    },
  },
  held('half-open', { kind: 'half_open' }),
];

export const networkFails: FaultRow = {
  name: 'network to the broker',
  mustHold: 'loss 0, duplicates 0; 503 with Retry-After meanwhile; recovers by itself',
  cases: (choice) =>
    faults.flatMap((fault) =>
      (choice.isAll ? serviceNames : [drawn(serviceNames, choice)]).map((service) =>
        caseOf(service, fault),
      ),
    ),
};

function caseOf(service: ServiceName, fault: NetworkFault): FaultCase {
  return {
    name: `${service}: ${fault.name}`,
    timeoutMs: 120_000,
    run: (context) => breakNetwork(service, fault, context),
  };
}

async function breakNetwork(
  service: ServiceName,
  fault: NetworkFault,
  context: FaultContext,
): Promise<FaultFigures> {
  const { platform, load, loadAt, limitMs } = context;
  const instance = `${service}-1`;
  await platform.member(instance).stop();
  const { operations, origin } = await platform.start(instance, platform.proxied);
  // A till that is started again has no connections of those who come through the balancer.
  const own = service === 'ingress' ? loadAt(origin) : load;
  await load.morePages(3, limitMs(20_000));
  const brokenMs = performance.now();
  await fault.bring(platform.proxies, context);
  const healedMs = performance.now();
  await Promise.all([
    workGap(service, { platform, load: own, limitMs }),
    until(() => isReady(operations), limitMs(30_000), `${instance} is not ready`),
  ]);
  const backMs = performance.now() - healedMs;
  await load.morePages(3, limitMs(20_000));
  const gapMs = load.gapSince(brokenMs);
  expect(backMs).toBeLessThan(limitMs(backWithinMs));
  await platform.member(instance).stop();
  await platform.start(instance);
  return { gapMs, note: `${instance} works ${inSeconds(backMs)} after the network` };
}

function isReady(operations: string): Promise<boolean> {
  return fetch(`${operations}/readyz`, { signal: AbortSignal.timeout(2_000) }).then(
    ({ ok }) => ok,
    () => false,
  );
}
