import { setTimeout as delay } from 'node:timers/promises';
import { fail } from '@paycrawl/errors/paycrawl-error';
import type { ServiceName } from '../processes/start-service.js';
import { openReadApi, sumOf } from '../testing/read-api.js';
import type { FaultContext } from './fault.js';
import { longestGap } from './load.js';
import type { FaultPlatform } from './platform.js';
import type { WatchedTopic } from './watch.js';

/** What shows that a service works; of the others, crawlers do, or its API. */
const outputOf: Partial<Record<ServiceName, WatchedTopic>> = {
  metering: 'ledger',
  settlement: 'settlements',
};
/** More than what was on its way when the fault began. */
const recordsAgain = 20;
const pagesAgain = 3;
const givenUpAfterMs = 60_000;

export const serviceNames = ['ingress', 'verifier', 'metering', 'settlement', 'analytics'] as const;

/**
 * Waits until work of this service is seen that began after this call; how long, since then, none
 * was: pages that are paid, records that are written, figures that grow.
 */
export async function workGap(
  service: ServiceName,
  { platform, load, limitMs }: Pick<FaultContext, 'platform' | 'load' | 'limitMs'>,
): Promise<number> {
  const sinceMs = performance.now();
  const timeoutMs = limitMs(givenUpAfterMs);
  const topic = outputOf[service];
  if (topic !== undefined) {
    const atFirst = platform.watch.times(topic).length;
    const isBack = () => platform.watch.times(topic).length > atFirst + recordsAgain;
    await until(isBack, timeoutMs, `no work of ${service}`);
    return longestGap(platform.watch.times(topic), sinceMs);
  }
  if (service === 'analytics') {
    const charged = platform.watch.chargedAtomic();
    const isShown = async () => (await chargedShown(platform)) > charged;
    await until(isShown, timeoutMs, 'revenue does not grow', questionMs);
    return performance.now() - sinceMs;
  }
  await load.morePages(pagesAgain, timeoutMs);
  return load.gapSince(sinceMs);
}

async function chargedShown(platform: FaultPlatform): Promise<bigint> {
  const balance = await openReadApi(await platform.run())
    .balance()
    .catch(() => undefined);
  return balance === undefined ? 0n : sumOf(balance.charged);
}

const askAgainMs = 20;
/** Each is a query, on a machine that has just started a process. */
const questionMs = 100;

/** Fails with what is said when it does not become true in time. */
export async function until(
  isTrue: () => boolean | Promise<boolean>,
  timeoutMs: number,
  otherwise: string,
  everyMs = askAgainMs,
): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  while (!(await isTrue())) {
    if (performance.now() > deadlineMs) throw fail('internal', `${otherwise} in ${timeoutMs} ms`);
    await delay(everyMs);
  }
}

export function inSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
