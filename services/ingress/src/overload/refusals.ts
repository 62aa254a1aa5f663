import { type Answer, problemAnswer } from '../http/answer.js';
import type { Gate, ShedReason } from './gate.js';

/** Made once: writing it out is all that a refusal costs beside its request. */
const paymentsRefused = problemAnswer(
  'ingress_overloaded',
  'Too many payments are in flight. This one was not looked at.',
);
const challengesRefused = problemAnswer(
  'challenges_overloaded',
  'Requests that carry a payment go first.',
);

export interface ShedDeps {
  readonly gate: Gate;
  readonly onShed: (why: ShedReason) => void;
}

/** The answer to a payment that is not let in, at once: its client has something to lose. */
export function shedPayment({ gate, onShed }: ShedDeps): Answer | undefined {
  const why = gate.refusesPayment();
  if (why === undefined) return undefined;
  onShed(why);
  return paymentsRefused;
}

/** The answer to what would have become a challenge, later: its client may ask no more meanwhile. */
export function shedChallenge({ gate, onShed }: ShedDeps): Promise<Answer> | undefined {
  const why = gate.refusesChallenge();
  if (why === undefined) return undefined;
  onShed(why);
  return refuseLate(gate);
}

async function refuseLate(gate: Gate): Promise<Answer> {
  await gate.hold();
  return challengesRefused;
}
