import type { ErrorCode } from '@paycrawl/errors/catalogue';
import type { Proof } from '@paycrawl/protocol/proof';
import type { Answer } from '@paycrawl/service-kit/plain-http/answer';
import type { Exchange } from '@paycrawl/service-kit/plain-http/exchange';
import type { Visit } from '../http/visit.js';

/** The right to deliver once, until a moment of the monotonic clock. */
export interface Lease {
  readonly leaseId: string;
  readonly endsAtMs: number;
  /** `charged`: paid before; delivered again, and nothing is reported. */
  readonly charge: 'held' | 'charged';
}

/** An accepted payment that waits for its page. */
export interface PaidJob {
  readonly visit: Visit;
  readonly proof: Proof;
  readonly chargeId: string;
  /** CAIP-10: key of the payer's partition. */
  readonly payer: string;
  readonly lease: Lease;
  readonly exchange: Exchange;
  /** Everybody who waits for this page with this proof, the owner included. */
  readonly audience: Audience;
  readonly source: string;
  readonly clock: () => number;
}

export interface Audience {
  isEmpty(): boolean;
  /** Everybody hung up before an answer was written. */
  isGone(): boolean;
  /** Tells the listener, one at most, when everybody is gone; at once if that was before. */
  onGone(listener: () => void): void;
}

/** How it ended, for everybody who presented the same proof at the same time. */
export type Served =
  | {
      readonly kind: 'answered';
      readonly answer: Answer;
      /** Charged now or before: the same proof may have it again. */
      readonly isPaid: boolean;
    }
  /** Too long to be held: it went to the owner alone. */
  | { readonly kind: 'streamed' }
  | Declined;

export interface Declined {
  readonly kind: 'declined';
  readonly code: ErrorCode;
  readonly detail: string;
}

export function declined(code: ErrorCode, detail: string): Declined {
  return { kind: 'declined', code, detail };
}
