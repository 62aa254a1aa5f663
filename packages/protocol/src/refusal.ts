import { catalogue } from '@paycrawl/errors/catalogue';

/**
 * Our codes and the x402 words for them. The words are those of the published packages 2.27, which
 * are what clients in the field compare with, also where the specification has another spelling.
 */
const x402Reasons = {
  proof_amount_mismatch: 'invalid_exact_evm_payload_authorization_value_mismatch',
  proof_dialect_conflict: 'invalid_payload',
  proof_domain_missing: 'invalid_exact_evm_missing_eip712_domain',
  proof_duplicate_header: 'invalid_payload',
  proof_expired: 'invalid_exact_evm_payload_authorization_valid_before',
  proof_extension_echo_mismatch: 'extension_echo_mismatch',
  proof_header_too_large: 'invalid_payload',
  proof_network_unknown: 'invalid_exact_evm_network_mismatch',
  proof_not_base64: 'invalid_payload',
  proof_not_json: 'invalid_payload',
  proof_not_yet_valid: 'invalid_exact_evm_payload_authorization_valid_after',
  proof_payment_id_invalid: 'invalid_payload',
  proof_quote_altered: 'No matching payment requirements',
  proof_quote_expired: 'payment_expired',
  proof_quote_missing: 'No matching payment requirements',
  proof_recipient_mismatch: 'invalid_exact_evm_recipient_mismatch',
  proof_scheme_unknown: 'invalid_exact_evm_scheme',
  proof_shape_invalid: 'invalid_payload',
  proof_signature_invalid: 'invalid_exact_evm_signature',
  proof_token_name_mismatch: 'invalid_exact_evm_token_name_mismatch',
  proof_token_unknown: 'asset_not_deployed_contract',
  proof_token_version_mismatch: 'invalid_exact_evm_token_version_mismatch',
  proof_too_deep: 'invalid_payload',
  proof_version_unsupported: 'invalid_x402_version',
} as const;

export type RefusalCode = keyof typeof x402Reasons;

export interface Refusal {
  readonly kind: 'refused';
  readonly code: RefusalCode;
  readonly status: number;
  readonly x402Reason: string;
  /** What the proof says of its payer; nothing about it was verified. */
  readonly claimedPayer?: string;
}

export function refuse(code: RefusalCode, claimedPayer?: string): Refusal {
  const refusal = {
    kind: 'refused',
    code,
    status: catalogue[code].status,
    x402Reason: x402Reasons[code],
  } as const;
  return claimedPayer === undefined ? refusal : { ...refusal, claimedPayer };
}
