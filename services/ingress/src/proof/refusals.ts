import type { ErrorCode } from '@paycrawl/errors/catalogue';
import type { EventOfType } from '@paycrawl/events/event';
import type { Dialect } from '@paycrawl/events/schema';
import * as V1Receipt from '@paycrawl/protocol/x402-v1-exact/receipt';
import * as V2Receipt from '@paycrawl/protocol/x402-v2-exact/receipt';
import type { Visit } from '../http/visit.js';
import type { Addressed } from '../log/appender.js';

export interface RefusedProof {
  readonly code: ErrorCode;
  /** The dialect's own word. */
  readonly reason: string;
  readonly status: number;
  readonly dialect?: Dialect | undefined;
  readonly challengeId?: string | undefined;
  readonly claimedPayer?: string | undefined;
}

/** A proof that never reaches its payer's partition stands under the publisher's key. */
export function refusedEvent(visit: Visit, refused: RefusedProof, source: string): Addressed {
  const { dialect, challengeId, claimedPayer } = refused;
  const { publisherId } = visit.site;
  const data: EventOfType<'ProofRefused'>['data'] = {
    publisherId,
    requestId: visit.requestId,
    method: visit.method,
    host: visit.host,
    path: visit.path,
    crawler: visit.crawler.name,
    code: refused.code,
    reason: refused.reason,
    status: refused.status,
    ...(dialect === undefined ? {} : { dialect }),
    ...(challengeId === undefined ? {} : { challengeId }),
    ...(claimedPayer === undefined ? {} : { claimedPayer }),
  };
  const id = `${visit.requestId}/refused`;
  return {
    topic: 'challenges',
    key: publisherId,
    event: { type: 'ProofRefused', id, source, timeMs: visit.atMs, trace: visit.trace, data },
  };
}

/** The words of x402 for what the verifier decided. */
const decisionReasons: Partial<Record<ErrorCode, string>> = {
  nonce_already_used: 'invalid_exact_evm_nonce_already_used',
  payment_expired: 'invalid_exact_evm_payload_authorization_valid_before',
  payment_not_yet_valid: 'invalid_exact_evm_payload_authorization_valid_after',
};

export function reasonOfDecision(code: ErrorCode): string {
  return decisionReasons[code] ?? code;
}

export function failedReceipts(
  reason: string,
  proof: { readonly dialect: Dialect; readonly network: string; readonly payer: string },
): Record<string, string> {
  const receipt = { errorReason: reason, network: proof.network, payer: proof.payer };
  return proof.dialect === 'x402-v2-exact'
    ? { 'payment-response': V2Receipt.writeFailedReceipt(receipt) }
    : { 'x-payment-response': V1Receipt.writeFailedReceipt(receipt) };
}
