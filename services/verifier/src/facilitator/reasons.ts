import { catalogue, type ErrorCode } from '@paycrawl/errors/catalogue';
import { fail } from '@paycrawl/errors/paycrawl-error';
import type { Dialect } from '@paycrawl/events/schema';

/** The words of the published packages 2.27 for what the fold decides; v1 has some of its own. */
const reasons: Partial<Record<ErrorCode, string>> = {
  insufficient_funds: 'invalid_exact_evm_insufficient_balance',
  nonce_already_used: 'invalid_exact_evm_nonce_already_used',
  payment_expired: 'invalid_exact_evm_payload_authorization_valid_before',
  payment_not_yet_valid: 'invalid_exact_evm_payload_authorization_valid_after',
  proof_signature_invalid: 'invalid_exact_evm_signature',
};
const reasonsV1: Partial<Record<ErrorCode, string>> = { insufficient_funds: 'insufficient_funds' };

/**
 * A refusal in the words of x402. What is only unknown now is no verdict: it is thrown and becomes
 * 503 with Retry-After, so that nobody signs again for nothing.
 */
export function reasonOf(code: string, dialect: Dialect): string {
  const known = code as ErrorCode;
  const entry = Object.hasOwn(catalogue, code) ? catalogue[known] : undefined;
  if (entry?.retryable === true) throw fail(known, `${entry.title}.`);
  return (dialect === 'x402-v1-exact' ? reasonsV1[known] : undefined) ?? reasons[known] ?? code;
}
