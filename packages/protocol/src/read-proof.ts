import { type Recovery, recoverAddress } from '@paycrawl/crypto/recover';
import { checkSignature } from './exact-evm.js';
import type {
  ClaimReading,
  PaymentHeaders,
  ProofClaim,
  ProofReading,
  ReadContext,
} from './proof.js';
import { refuse } from './refusal.js';
import { readXPayment } from './x402-v1-exact/read.js';
import { readPaymentSignature } from './x402-v2-exact/read.js';

export function carriesProof(headers: PaymentHeaders): boolean {
  return headers.paymentSignature !== undefined || headers.xPayment !== undefined;
}

/** The payment headers of a request → no proof, a proof, or a refusal. Never throws. */
export function readProof(headers: PaymentHeaders, context: ReadContext): ProofReading {
  const reading = readClaim(headers, context);
  if (reading.kind !== 'claim') return reading;
  const { digest, signature } = reading.signed;
  return proveClaim(reading, recoverAddress(digest, signature));
}

/** All of `readProof` that comes before the recovery: whoever recovers elsewhere goes on with `proveClaim`. */
export function readClaim(headers: PaymentHeaders, context: ReadContext): ClaimReading {
  const { paymentSignature, xPayment } = headers;
  if (paymentSignature !== undefined && xPayment !== undefined) {
    return refuse('proof_dialect_conflict');
  }
  if (paymentSignature !== undefined) {
    const reading = readPaymentSignature(paymentSignature, context);
    return reading.kind === 'refused' ? { ...reading, dialect: 'x402-v2-exact' } : reading;
  }
  if (xPayment !== undefined) {
    const reading = readXPayment(xPayment, context);
    return reading.kind === 'refused' ? { ...reading, dialect: 'x402-v1-exact' } : reading;
  }
  return { kind: 'none' };
}

/** A claim and what its digest and signature recover to → a proof, or a refusal. */
export function proveClaim({ proof, signed }: ProofClaim, recovery: Recovery): ProofReading {
  const checked = checkSignature(signed, recovery);
  if (checked.kind === 'refused') return { ...checked, dialect: proof.dialect };
  const { signature, check } = checked;
  return { kind: 'proof', proof: { ...proof, signature, check } };
}
