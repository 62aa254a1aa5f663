import type { DoorState } from '@paycrawl/service-kit/plain-http/door';
import type { Credit } from '@paycrawl/service-kit/plain-http/exchange';
import { initialBudget, look, onPayment, take } from './challenge-budget.js';
import { createHeldRefusals } from './held-refusals.js';
import { adjust, initialLimit } from './payment-limit.js';

/**
 * Who is let in when there is more to do than can be done in time. It is asked before a payment is
 * read and before a challenge is made: what is refused here has cost the request alone, was written
 * nowhere and holds nothing. With nothing to refuse it costs a request a few comparisons.
 */
export interface Gate {
  /** For a request that carries a payment: undefined lets it in. */
  refusesPayment(): ShedReason | undefined;
  /** For one more at the door, where so many wait for their turn. */
  door(inLine: number): DoorState;
  /** How long the decision about a proof took, and whether it is a payment now. */
  decided(tookMs: number, isAccepted: boolean): void;
  /** For a request without one, or whose payment is refused: undefined lets it in. */
  refusesChallenge(credit?: Credit): ShedReason | undefined;
  /** Over this connection: what it asks for next is not for others to take. */
  paidOver(credit: Credit): void;
  /** Resolves when a refused one without a payment may be told so. */
  hold(): Promise<void> | undefined;
  gauges(): GateGauges;
  close(): void;
}

export type ShedReason =
  /** As many payments as memory allows are decided or delivered. */
  | 'payments_full'
  /** Decisions take too long for one more. */
  | 'payments_slow'
  /** As many as may wait at the door, or one as long as it may. */
  | 'payments_waiting'
  /** As many challenges as allowed wait for the log. */
  | 'challenges_full'
  /** The process is busy, and payments go first. */
  | 'challenges_yield';

export interface GateGauges {
  readonly paymentsMax: number;
  readonly held: number;
  /** Of the time of the event loop, or of a recovery thread, at the last look. */
  readonly busyShare: number;
}

export interface GateOptions {
  readonly inFlightMax: number;
  readonly undecidedMax: number;
  readonly doorLineMax: number;
  readonly decisionWaitMsMax: number;
  readonly challengesInFlightMax: number;
  readonly challengesPerPayment: number;
  readonly paymentsPerStranger: number;
  readonly challengesPerSMin: number;
  readonly busyPercent: number;
  readonly refusalHoldMs: number;
  /** Payments that are decided or delivered. */
  readonly inFlight: () => number;
  /** Proofs that wait for their decision. */
  readonly deciding: () => number;
  /** Proofs that are read and not decided yet. */
  readonly undecided: () => number;
  /** Challenges that wait for the log. */
  readonly challenging: () => number;
  /** Share of the time since it was asked last in which the event loop, or who works for it, was busy. */
  readonly utilization: () => number;
  readonly nowMs: () => number;
}

/** Beyond it they are told at once: each keeps a connection and some kilobytes. */
const heldMax = 4_096;
const lookIntervalMs = 100;

export function createGate(options: GateOptions): Gate {
  const { inFlight, deciding, undecided, challenging, utilization, nowMs } = options;
  const { inFlightMax, challengesInFlightMax } = options;
  const limitKnobs = { waitMsMax: options.decisionWaitMsMax, waitingMax: inFlightMax };
  const budgetKnobs = {
    paymentsEach: options.paymentsPerStranger,
    perSMin: options.challengesPerSMin,
  };
  const limit = initialLimit(limitKnobs);
  const budget = initialBudget();
  const refusals = createHeldRefusals({ forMs: options.refusalHoldMs, heldMax, nowMs });
  let busyShare = 0;
  const timer = setInterval(() => {
    const atMs = nowMs();
    busyShare = utilization();
    adjust(limit, limitKnobs, atMs);
    const isBusy = busyShare * 100 >= options.busyPercent;
    look(budget, budgetKnobs, { isBusy, nowMs: atMs });
    refusals.release(atMs);
  }, lookIntervalMs).unref();
  const refusesPayment = (inLine = 0): ShedReason | undefined => {
    if (inFlight() + inLine >= inFlightMax) return 'payments_full';
    const waiting = deciding();
    if (waiting > limit.waitingMost) limit.waitingMost = waiting;
    return waiting >= limit.limit ? 'payments_slow' : undefined;
  };
  return {
    refusesPayment: () => refusesPayment(),
    door(inLine) {
      if (inLine >= options.doorLineMax || refusesPayment(inLine) !== undefined) return 'shut';
      return inLine > 0 || undecided() >= options.undecidedMax ? 'line' : 'open';
    },
    decided(tookMs, isAccepted) {
      if (tookMs < limit.shortestMs) limit.shortestMs = tookMs;
      // Not before: whoever sends rubbish in a payment's place would earn challenges by it.
      if (isAccepted) onPayment(budget, nowMs());
    },
    refusesChallenge(credit) {
      if (challenging() >= challengesInFlightMax) return 'challenges_full';
      if (credit !== undefined && credit.challenges > 0) {
        credit.challenges -= 1;
        return undefined;
      }
      return take(budget) ? undefined : 'challenges_yield';
    },
    paidOver(credit) {
      credit.challenges = options.challengesPerPayment;
    },
    hold: refusals.hold,
    gauges: () => ({ paymentsMax: limit.limit, held: refusals.size(), busyShare }),
    close() {
      clearInterval(timer);
      refusals.close();
    },
  };
}
