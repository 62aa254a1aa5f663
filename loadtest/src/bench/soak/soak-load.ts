import { targetOf } from '../../driver/http-connection.js';
import { type OpenLoopFigures, runOpenLoop } from '../../driver/open-loop.js';
import { type Payer, signProof } from '../../payload/sign-proofs.js';
import { currentOffer, isPaid, isToldToComeBack, requestBytes, type Target } from '../crawls.js';

export interface SoakRates {
  readonly paidPerS: number;
  readonly unpaidPerS: number;
  readonly minutes: number;
}

const connections = 64;
/** Quotes last five minutes; what is offered follows the time that settlement needs. */
const offerMs = 30_000;

/** Each proof is signed when it is due. */
export async function paidLoad(
  target: Target,
  payers: readonly Payer[],
  { paidPerS, minutes }: SoakRates,
): Promise<OpenLoopFigures> {
  let offered = await currentOffer(target);
  const asking = setInterval(() => {
    void currentOffer(target).then(
      (next) => {
        offered = next;
      },
      // The one before is good for minutes; without a new one the load fails by itself.
      () => undefined,
    );
  }, offerMs);
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
    clearInterval(asking);
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
