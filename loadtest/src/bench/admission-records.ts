import { randomBytes } from 'node:crypto';
import type { DataOf } from '@paycrawl/events/definition';
import { chargeId, payerId } from '@paycrawl/events/ids';
import type { FundsObserved, ProofReceived } from '@paycrawl/events/payments';

// Events of `payments` as watcher and ingress write them. Nobody behind the ingress checks a
// signature again, so these are not signed and a million of them is a matter of seconds.

const network = 'eip155:84532';
const asset = '0x036cbd53842c5426634e7929541ec2318f3dcf7e';
const payTo = `0x${'cd'.repeat(20)}`;
const farAwayS = 4_000_000_000;

export function randomAddress(): string {
  return `0x${randomBytes(20).toString('hex')}`;
}

export function payerOf(from: string): string {
  return payerId(network, from);
}

/** A payer with money, of whom nothing else is known. */
export function fundsOf(from: string): {
  type: 'FundsObserved';
  data: DataOf<typeof FundsObserved>;
} {
  return {
    type: 'FundsObserved',
    data: {
      payer: payerOf(from),
      network,
      asset,
      balance: '1000000000000',
      hasCode: false,
      blockNumber: 1,
      blockHash: `0x${'ab'.repeat(32)}`,
      blockTimestampS: 1,
      nonces: [],
    },
  };
}

/** A proof with a nonce of its own, for the `i`th crawl; good until further notice. */
export function proofOf(
  from: string,
  i: number,
): { type: 'ProofReceived'; data: DataOf<typeof ProofReceived> } {
  const nonce = `0x${randomBytes(32).toString('hex')}`;
  return {
    type: 'ProofReceived',
    data: {
      chargeId: chargeId(network, asset, from, nonce),
      payer: payerOf(from),
      publisherId: 'demo',
      network,
      asset,
      amount: '1000',
      method: 'GET',
      host: 'site.example',
      path: `/articles/${i % 100}`,
      crawler: 'GPTBot',
      ruleId: 'ai-agents',
      ruleVersion: 1,
      dialect: 'x402-v2-exact',
      kind: 'crawl',
      requestId: `r${i}`,
      ingressId: 'i1',
      payTo,
      authorization: {
        from,
        to: payTo,
        value: '1000',
        validAfter: '0',
        validBefore: String(farAwayS),
        nonce,
      },
      signature: `0x${'11'.repeat(65)}`,
      signatureCheck: { kind: 'recovered' },
      decideWithinMs: 2000,
      leaseMs: 30_000,
    },
  };
}

/** The page of an accepted proof was delivered: its hold becomes a charge. */
export function deliveredOf(proof: DataOf<typeof ProofReceived>) {
  const outcome = { outcome: 'delivered', status: 200, bytes: 2048 } as const;
  return { type: 'CrawlDelivered' as const, data: { ...leaseOf(proof), ...outcome } };
}

/** The origin had nothing: the hold is released, the nonce remembered. */
export function notDeliveredOf(proof: DataOf<typeof ProofReceived>) {
  const outcome = { outcome: 'origin_5xx', status: 502, bytes: 0 } as const;
  return { type: 'CrawlNotDelivered' as const, data: { ...leaseOf(proof), ...outcome } };
}

function leaseOf({ chargeId: id, payer, requestId }: DataOf<typeof ProofReceived>) {
  return { chargeId: id, payer, requestId, leaseId: `${id}:1` };
}
