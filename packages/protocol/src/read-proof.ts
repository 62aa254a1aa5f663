import type { PaymentHeaders, ProofReading, ReadContext } from './proof.js';
import { refuse } from './refusal.js';
import { readXPayment } from './x402-v1-exact/read.js';
import { readPaymentSignature } from './x402-v2-exact/read.js';

export function carriesProof(headers: PaymentHeaders): boolean {
  return headers.paymentSignature !== undefined || headers.xPayment !== undefined;
}

/** The payment headers of a request → no proof, a proof, or a refusal. Never throws. */
export function readProof(headers: PaymentHeaders, context: ReadContext): ProofReading {
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
