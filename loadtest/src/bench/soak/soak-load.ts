import { setTimeout as delay } from 'node:timers/promises';
import { targetOf } from '../../driver/http-connection.js';
import { type OpenLoopFigures, runOpenLoop } from '../../driver/open-loop.js';
import { type Offered, type Payer, signProof } from '../../payload/sign-proofs.js';
import { currentOffer, isPaid, isToldToComeBack, requestBytes, type Target } from '../crawls.js';

export interface SoakRates {
  readonly paidPerS: number;
  readonly unpaidPerS: number;
  readonly minutes: number;
}

const connections = 64;
/** Quotes last five minutes; what is offered follows the time that settlement needs. */
const offerMs = 30_000;
/** Who has not paid yet may be told to come back by a busy ingress. */
const offerAgainMs = 1_000;

/** Each proof is signed when it is due. */
export async function paidLoad(
  target: Target,
  payers: readonly Payer[],
  { paidPerS, minutes }: SoakRates,
): Promise<OpenLoopFigures> {
  let offered = await currentOffer(target);
  const over = new AbortController();
  const asking = followOffers(target, over.signal, (next) => {
    offered = next;
  });
  let crawls = 0;
  try {
    return await runOpenLoop({
      ...{ target: targetOf(target.ingress), connections, ratePerS: paidPerS },
      seconds: minutes * 60,
      next: () => {
        const payer = payers[crawls++ % payers.length] as Payer;
        return requestBytes(target, signProof(offered, payer, Math.floor(Date.now() / 1000)));
      },
      isExpected: isPaid,
      isRefused: isToldToComeBack,
    });
  } finally {
    over.abort();
    await asking;
  }
}

async function followOffers(
  target: Target,
  signal: AbortSignal,
  onOffer: (offered: Offered) => void,
): Promise<void> {
  let waitMs = offerMs;
  while (!signal.aborted) {
    await delay(waitMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    // The one before is good for minutes; without a new one the load fails by itself.
    const next = await currentOffer(target).catch(() => undefined);
    if (next !== undefined) onOffer(next);
    waitMs = next === undefined ? offerAgainMs : offerMs;
  }
}

/** Crawlers that never pay. */
export function unpaidLoad(
  target: Target,
  { unpaidPerS, minutes }: SoakRates,
): Promise<OpenLoopFigures> {
  const bytes = requestBytes(target);
  return runOpenLoop({
    ...{ target: targetOf(target.ingress), connections, ratePerS: unpaidPerS },
    seconds: minutes * 60,
    next: () => bytes,
    isExpected: ({ status }) => status === 402,
    isRefused: isToldToComeBack,
  });
}
