import type { EventOfType, EventType } from '@paycrawl/events/event';
import { payerId } from '@paycrawl/events/ids';

/** Decisions as the verifier writes them; `n` tells charges apart. For tests only. */

type Data<Type extends EventType> = EventOfType<Type>['data'];

export const money = {
  network: 'eip155:84532',
  asset: '0x036cbd53842c5426634e7929541ec2318f3dcf7e',
  amount: '1000',
} as const;
export const signer = `0x${'5'.repeat(40)}`;
const from = `0x${'1'.repeat(40)}`;
const to = `0x${'2'.repeat(40)}`;

export function charge(n: number, amount: string = money.amount, publisherId = 'news') {
  const payer = payerId(money.network, from);
  return { chargeId: `c${n}`, payer, publisherId, ...money, amount };
}

const request = {
  method: 'GET',
  host: 'news.example',
  path: '/a',
  crawler: 'gptbot',
  ruleId: 'default',
  ruleVersion: 1,
  dialect: 'x402-v2-exact',
} as const;
const crawl = { kind: 'crawl' } as const;

export function chargePosted(n: number, amount?: string, publisherId?: string) {
  const of = charge(n, amount, publisherId);
  const nonce = `0x${n.toString(16).padStart(64, '0')}`;
  return {
    ...of,
    ...request,
    ...crawl,
    requestId: `r${n}`,
    payTo: to,
    authorization: {
      from,
      to,
      value: of.amount,
      validAfter: '0',
      validBefore: '1900000000',
      nonce,
    },
    signature: `0x${'ab'.repeat(65)}`,
    settleAlone: false,
    outcome: 'delivered',
    bytes: 2048,
  } satisfies Data<'ChargePosted'>;
}

export function settled(n: number, amount?: string, publisherId?: string): Data<'ChargeSettled'> {
  return {
    ...charge(n, amount, publisherId),
    ...crawl,
    batchId: 'b1',
    transactionHash: `0x${'a'.repeat(64)}`,
    blockNumber: 7,
    blockTimestampS: 1_800_000_000,
    paidElsewhere: false,
  };
}

export const charges = {
  accepted: (n: number): Data<'PaymentAccepted'> => ({
    ...charge(n),
    ...request,
    ...crawl,
    requestId: `r${n}`,
    ingressId: 'i1',
    leaseId: `l${n}`,
    leaseMs: 30_000,
    holdExpiresAtMs: 1,
  }),
  rejected: (n: number): Data<'PaymentRejected'> => ({
    ...charge(n),
    ...request,
    ...crawl,
    requestId: `r${n}`,
    ingressId: 'i1',
    code: 'insufficient_funds',
    retryable: false,
  }),
  released: (n: number): Data<'HoldReleased'> => ({
    ...charge(n),
    ...request,
    ...crawl,
    requestId: `r${n}`,
    reason: 'not_delivered',
    outcome: 'origin_5xx',
  }),
  loss: (n: number, amount?: string, publisherId?: string): Data<'LossPosted'> => ({
    ...charge(n, amount, publisherId),
    ...request,
    ...crawl,
    requestId: `r${n}`,
    outcome: 'delivered',
    reason: 'hold_expired',
  }),
  inFlight: (n: number, amount?: string, publisherId?: string): Data<'ChargeInFlight'> => ({
    ...charge(n, amount, publisherId),
    ...crawl,
    batchId: 'b1',
  }),
  returned: (n: number, amount?: string, publisherId?: string): Data<'ChargeReturned'> => ({
    ...charge(n, amount, publisherId),
    ...crawl,
    batchId: 'b1',
    reason: 'batch_lost',
  }),
  uncollectible: (
    n: number,
    amount?: string,
    publisherId?: string,
  ): Data<'ChargeUncollectible'> => ({
    ...charge(n, amount, publisherId),
    ...crawl,
    reason: 'cancelled',
  }),
  fundsRequested: (): Data<'FundsRequested'> => ({
    payer: charge(0).payer,
    network: money.network,
    asset: money.asset,
    nonces: [],
  }),
  gas: (amountWei: string, shares: Data<'GasSpent'>['shares'] = []): Data<'GasSpent'> => ({
    network: money.network,
    signer,
    batchId: 'b1',
    transactionHash: `0x${'a'.repeat(64)}`,
    gasUsed: '21000',
    amountWei,
    charges: 3,
    shares,
  }),
};
