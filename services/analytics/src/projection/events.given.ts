import type { EventOfType, EventType } from '@paycrawl/events/event';

/** Events with sensible data for tests; every field can be overridden. */
export type DataOf<Type extends EventType> = EventOfType<Type>['data'];

const hex = (digit: string, length: number) => `0x${digit.repeat(length)}`;
export const network = 'eip155:84532';
export const token = '0x036cbd53842c5426634e7929541ec2318f3dcf7e';
export const usdc = `${network}/erc20:${token}`;
export const payTo = hex('b', 40);
export const payer = `${network}:${hex('a', 40)}`;

const request = {
  method: 'GET',
  host: 'docs.example',
  path: '/a',
  crawler: 'GPTBot',
  ruleId: 'ai',
  ruleVersion: 1,
} as const;

const charge = {
  chargeId: 'c1',
  payer,
  publisherId: 'pub-1',
  network,
  asset: token,
  amount: '1000',
} as const;

const v2 = { ...request, dialect: 'x402-v2-exact', kind: 'crawl' } as const;
const reply = { requestId: 'r1', ingressId: 'ingress-1' } as const;

export function challengeIssued(over: Partial<DataOf<'ChallengeIssued'>> = {}) {
  return {
    challengeId: 'q1',
    publisherId: 'pub-1',
    requestId: 'r0',
    ...request,
    ...{ network, asset: token, amount: '1000', payTo },
    expiresAtMs: 9_999_999_999_999,
    ...over,
  };
}

export function proofRefused(over: Partial<DataOf<'ProofRefused'>> = {}) {
  const { ruleId: _rule, ruleVersion: _version, ...seen } = request;
  return {
    ...{ publisherId: 'pub-1', requestId: 'r9', ...seen },
    ...{ code: 'signature_invalid', reason: 'invalid_exact_evm_payload_signature', status: 402 },
    ...over,
  };
}

export function paymentAccepted(over: Partial<DataOf<'PaymentAccepted'>> = {}) {
  const lease = { leaseId: 'l1', leaseMs: 30_000, holdExpiresAtMs: 9_999_999_999_999 };
  return { ...charge, ...v2, ...reply, ...lease, challengeId: 'q1', ...over };
}

export function paymentRejected(over: Partial<DataOf<'PaymentRejected'>> = {}) {
  return { ...charge, ...v2, ...reply, code: 'insufficient_funds', retryable: false, ...over };
}

export function chargePosted(over: Partial<DataOf<'ChargePosted'>> = {}): DataOf<'ChargePosted'> {
  return {
    ...{ ...charge, ...v2, requestId: 'r1', payTo, outcome: 'delivered', bytes: 100 },
    authorization: {
      ...{ from: hex('a', 40), to: payTo, value: '1000', validAfter: '0' },
      ...{ validBefore: '9999999999', nonce: hex('1', 64) },
    },
    signature: hex('cd', 65),
    settleAlone: false,
    ...over,
  };
}

export function holdReleased(over: Partial<DataOf<'HoldReleased'>> = {}): DataOf<'HoldReleased'> {
  const why = { reason: 'not_delivered', outcome: 'origin_5xx' } as const;
  return { ...charge, ...v2, requestId: 'r1', ...why, ...over };
}

export function lossPosted(over: Partial<DataOf<'LossPosted'>> = {}): DataOf<'LossPosted'> {
  const why = { outcome: 'delivered', reason: 'authorization_expired' } as const;
  return { ...charge, ...v2, requestId: 'r1', ...why, ...over };
}

const inBatch = { ...charge, kind: 'crawl', batchId: 'b1' } as const;

export function chargeInFlight(over: Partial<DataOf<'ChargeInFlight'>> = {}) {
  return { ...inBatch, ...over };
}

export function chargeReturned(over: Partial<DataOf<'ChargeReturned'>> = {}) {
  return { ...inBatch, reason: 'batch_lost', ...over };
}

export function chargeSettled(over: Partial<DataOf<'ChargeSettled'>> = {}) {
  const block = { blockNumber: 7, blockTimestampS: 1_700_000_000, paidElsewhere: false };
  return { ...inBatch, transactionHash: hex('2', 64), ...block, ...over };
}

export function chargeUncollectible(over: Partial<DataOf<'ChargeUncollectible'>> = {}) {
  return { ...inBatch, reason: 'cancelled', ...over };
}

export function ledgerPosted(over: Partial<DataOf<'LedgerPosted'>> = {}): DataOf<'LedgerPosted'> {
  return {
    ...{ moment: 'charge_posted', chargeId: 'c1', payer, publisherId: 'pub-1', kind: 'crawl' },
    ...{ network, asset: token },
    entries: [
      { account: `payer_receivable/${payer}`, side: 'debit', amount: '1000' },
      { account: 'publisher_payable/pub-1', side: 'credit', amount: '1000' },
    ],
    ...over,
  } as DataOf<'LedgerPosted'>;
}

export function batchSealed(over: Partial<DataOf<'BatchSealed'>> = {}): DataOf<'BatchSealed'> {
  return {
    ...{ batchId: 'b1', network, asset: token, signer: hex('e', 40), nonce: 0 },
    ...{ chargeIds: ['c1'], amount: '1000', reason: 'old' },
    ...over,
  } as DataOf<'BatchSealed'>;
}

export function batchSubmitted(over: Partial<DataOf<'BatchSubmitted'>> = {}) {
  return { batchId: 'b1', attempt: 1, transactionHash: hex('2', 64), ...over };
}

export function batchConfirmed(over: Partial<DataOf<'BatchConfirmed'>> = {}) {
  return {
    ...{ batchId: 'b1', network, attempt: 1, transactionHash: hex('2', 64), blockNumber: 7 },
    ...{ gasUsed: '90000', gasCostWei: '90000000000000' },
    ...{ settled: 1, returned: 0, uncollectible: 0, amountSettled: '1000' },
    ...over,
  };
}
