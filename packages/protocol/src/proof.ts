import type { Hex } from '@paycrawl/crypto/hex';
import type { SignatureState, SignedAuthorization, SignedClaim, Token } from './exact-evm.js';
import type { Quote, QuoteCheck } from './quote.js';
import type { Refusal } from './refusal.js';

export type Dialect = 'x402-v2-exact' | 'x402-v1-exact';

/** A proof in the one form that all dialects become. Addresses and hex are lower case. */
export interface Proof {
  readonly dialect: Dialect;
  readonly network: string;
  readonly asset: string;
  readonly payTo: string;
  readonly amount: bigint;
  readonly payer: string;
  readonly authorization: SignedAuthorization;
  readonly signature: Hex;
  readonly check: SignatureState;
  /** Version 1 echoes nothing: its proofs come without a quote. */
  readonly quote?: Quote;
  readonly paymentId?: string;
  /** Equal for two requests that present the same payment for the same thing. */
  readonly payloadHash?: string;
}

/** A proof that nobody has asked yet who signed it. */
export interface ProofClaim {
  readonly kind: 'claim';
  readonly proof: Omit<Proof, 'signature' | 'check'>;
  readonly signed: SignedClaim;
}

export type ClaimReading =
  | { readonly kind: 'none' }
  | (Refusal & { readonly dialect?: Dialect })
  | ProofClaim;

export type ProofReading =
  | { readonly kind: 'none' }
  | (Refusal & { readonly dialect?: Dialect })
  | { readonly kind: 'proof'; readonly proof: Proof };

/** What is charged for this request now; version 1 proofs are compared with it. */
export interface CurrentTerms {
  readonly network: string;
  readonly asset: string;
  readonly payTo: string;
  readonly amount: bigint;
}

export interface ReadContext extends QuoteCheck {
  readonly method: string;
  /** Scheme, host, canonical path and query: what the quote names. */
  readonly url: string;
  readonly marginS: number;
  /** The token of an asset that this deployment takes; both arguments lower case. */
  readonly tokenOf: (network: string, asset: string) => Token | undefined;
  readonly current: CurrentTerms;
}

export interface PaymentHeaders {
  readonly paymentSignature: string | undefined;
  readonly xPayment: string | undefined;
}
