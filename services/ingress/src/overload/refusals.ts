import { type Answer, problemAnswer } from '@paycrawl/service-kit/plain-http/answer';
import type { Door } from '@paycrawl/service-kit/plain-http/door';
import type { Credit } from '@paycrawl/service-kit/plain-http/exchange';
import type { Gate, ShedReason } from './gate.js';
import type { Newcomers } from './newcomers.js';

/** Made once: writing it out is all that a refusal costs beside its request. */
const paymentsRefused = problemAnswer(
  'ingress_overloaded',
  'Too many payments are in flight. This one was not looked at.',
);
const challengesRefused = problemAnswer(
  'challenges_overloaded',
  'Requests that carry a payment go first.',
);
const newcomersRefused = problemAnswer(
  'newcomers_overloaded',
  'Payers that were here before go first.',
);

export interface ShedDeps {
  readonly gate: Gate;
  readonly newcomers: Newcomers;
  readonly onShed: (why: ShedReason) => void;
  readonly onProof: (result: string) => void;
}

/** The answer to a payment that is not let in, at once: its client has something to lose. */
export function shedPayment(deps: ShedDeps): Answer | undefined {
  const why = deps.gate.refusesPayment();
  return why && shed(deps, why);
}

function shed({ onShed, onProof }: ShedDeps, why: ShedReason): Answer {
  onShed(why);
  onProof('ingress_overloaded');
  return paymentsRefused;
}

/** `PAYMENT-SIGNATURE`, and what it was called before. */
const paymentNames: ReadonlySet<string> = new Set(['payment-signature', 'x-payment']);

/** The same at the door, where a request is hardly read: who brings a payment is told by its head. */
export function paymentDoor(deps: ShedDeps, waitMsMax: number): Door {
  const { gate } = deps;
  return {
    names: paymentNames,
    state: gate.door,
    refusal: () => shed(deps, gate.refusesPayment() ?? 'payments_waiting'),
    waitMsMax,
  };
}

/** The answer to what would have become a challenge, later: its client may ask no more meanwhile. */
export function shedChallenge(
  { gate, onShed }: ShedDeps,
  credit?: Credit,
): Promise<Answer> | undefined {
  const why = gate.refusesChallenge(credit);
  if (why === undefined) return undefined;
  onShed(why);
  return refuseLate(gate, challengesRefused);
}

/** The answer to a payer that would not even find a place in line, later, for the same reason. */
export function shedNewcomer(
  { gate, newcomers }: ShedDeps,
  payer: string,
): Promise<Answer> | undefined {
  return newcomers.refuses(payer) ? refuseLate(gate, newcomersRefused) : undefined;
}

async function refuseLate(gate: Gate, answer: Answer): Promise<Answer> {
  await gate.hold();
  return answer;
}
