import type { LogRecord } from '@paycrawl/event-log/event-log';
import type { Cause } from '@paycrawl/events/envelope';
import { type EventOfType, type EventType, encodeEvent } from '@paycrawl/events/event';
import { chargeId as chargeIdOf, payerId } from '@paycrawl/events/ids';
import { physicalTopic, type TopicName } from '@paycrawl/events/topics';
import { balancedTransaction, type Moment } from '@paycrawl/ledger/transaction';
import type { PartitionRecords } from './audit-log.js';

/** A log as the platform writes it, built charge by charge, so that mistakes can be planted. */
type Data<Type extends EventType> = EventOfType<Type>['data'];
type AuditedTopic = 'payments' | 'decisions' | 'ledger' | 'charges' | 'settlements';

export const network = 'eip155:84532';
export const asset = '0x036cbd53842c5426634e7929541ec2318f3dcf7e';
export const from = `0x${'1'.repeat(40)}`;
export const payTo = `0x${'2'.repeat(40)}`;
export const signer = `0x${'5'.repeat(40)}`;
const payer = payerId(network, from);
const dialect = 'x402-v2-exact';
const request = { method: 'GET', host: 'h', path: '/p', crawler: 'c', ruleId: 'r', ruleVersion: 1 };

export function nonceOf(n: number): string {
  return `0x${n.toString(16).padStart(64, '0')}`;
}

export function chargeOf(n: number, amount = '1000') {
  const chargeId = chargeIdOf(network, asset, from, nonceOf(n));
  return { chargeId, payer, publisherId: ownerOf(n), network, asset, amount };
}

/** From here on charges are of an API key. */
export const facilitatedFrom = 100;
export const account = 'facilitator:acme';

function ownerOf(n: number): string {
  return n < facilitatedFrom ? 'news' : account;
}

function kindOf(n: number) {
  return n < facilitatedFrom ? 'crawl' : 'facilitated';
}

function partiesOf(n: number) {
  return { kind: kindOf(n), payer, publisherId: ownerOf(n) } as const;
}

export interface PlatformLog {
  readonly topics: Record<AuditedTopic | 'dead-letters', LogRecord[]>;
  nowMs: number;
  write<Type extends EventType>(
    topic: keyof PlatformLog['topics'],
    type: Type,
    data: Data<Type>,
    cause?: { readonly topic: TopicName; readonly offset: number; readonly source: string },
  ): number;
  records(done?: Partial<PartitionRecords['done']>): PartitionRecords;
}

export function createPlatformLog(): PlatformLog {
  const topics = {
    payments: [],
    decisions: [],
    ledger: [],
    charges: [],
    settlements: [],
    'dead-letters': [],
  } as PlatformLog['topics'];
  const indexes = new Map<string, number>();
  let written = 0;
  const log: PlatformLog = {
    topics,
    nowMs: 1_000_000,
    write(topic, type, data, causedBy) {
      const offset = topics[topic].length;
      const event = { type, source: 'test', timeMs: log.nowMs, id: `t${written++}`, data };
      let whole = event as unknown as EventOfType<typeof type>;
      if (causedBy !== undefined) {
        const place = `${causedBy.topic}/${causedBy.offset}`;
        const index = indexes.get(place) ?? 0;
        indexes.set(place, index + 1);
        const cause: Cause = [physicalTopic(causedBy.topic), 0, causedBy.offset, index];
        whole = { ...event, source: causedBy.source, cause } as unknown as typeof whole;
      }
      topics[topic].push({
        topic: physicalTopic(topic),
        partition: 0,
        key: payer,
        value: encodeEvent(whole),
        offset,
        timestampMs: log.nowMs,
      });
      return offset;
    },
    records: (done = {}) => ({
      ...{ generation: 1, partition: 0, isGrown: false },
      done: { payments: 1e9, decisions: 1e9, charges: 1e9, ...done },
      ...topics,
    }),
  };
  return log;
}

export function decide<Type extends EventType>(
  log: PlatformLog,
  payment: number,
  type: Type,
  data: Data<Type>,
): number {
  const source = 'verifier';
  return log.write('decisions', type, data, { topic: 'payments', offset: payment, source });
}

export function observe(log: PlatformLog, balance: string, blockNumber: number): number {
  return log.write('payments', 'FundsObserved', {
    ...{ payer, network, asset, balance, blockNumber },
    hasCode: false,
    blockHash: nonceOf(1),
    blockTimestampS: 1,
    nonces: [],
  });
}

export function prove(log: PlatformLog, n: number, amount?: string): number {
  const charge = chargeOf(n, amount);
  return log.write('payments', 'ProofReceived', {
    ...charge,
    ...request,
    ...{ dialect, kind: kindOf(n), requestId: `r${n}`, ingressId: 'i', payTo, signature: '0x' },
    authorization: authorizationOf(n, charge.amount),
    signatureCheck: { kind: 'recovered' },
    decideWithinMs: 1,
    leaseMs: 1,
  });
}

function authorizationOf(n: number, value: string) {
  return { from, to: payTo, value, validAfter: '0', validBefore: '9', nonce: nonceOf(n) };
}

export function accept(log: PlatformLog, payment: number, n: number, amount?: string): number {
  return decide(log, payment, 'PaymentAccepted', {
    ...chargeOf(n, amount),
    ...request,
    ...{ dialect, kind: kindOf(n), requestId: `r${n}`, ingressId: 'i', leaseId: 'l', leaseMs: 1 },
    holdExpiresAtMs: 2_000_000,
  });
}

export function deliver(log: PlatformLog, n: number): number {
  const { chargeId } = chargeOf(n);
  return log.write('payments', 'CrawlDelivered', {
    ...{ chargeId, payer, requestId: `r${n}`, leaseId: 'l', status: 200, bytes: 1 },
    outcome: 'delivered',
  });
}

export function post(log: PlatformLog, payment: number, n: number, amount?: string): number {
  const charge = chargeOf(n, amount);
  const authorization = authorizationOf(n, charge.amount);
  const decision = decide(log, payment, 'ChargePosted', {
    ...charge,
    ...request,
    ...{ dialect, kind: kindOf(n), requestId: `r${n}`, payTo, signature: '0x', settleAlone: false },
    authorization,
    outcome: 'delivered',
    bytes: 1,
  });
  meter(log, decision, { moment: 'charge_posted', ...partiesOf(n), amount: BigInt(charge.amount) });
  const cause = { topic: 'decisions', offset: decision, source: 'metering' } as const;
  const due = { payTo, authorization, signature: '0x', settleAlone: false, sealAtOnce: false };
  log.write('charges', 'ChargeDue', { ...charge, kind: kindOf(n), ...due }, cause);
  return decision;
}

export function meter(log: PlatformLog, decision: number, moment: Moment): number {
  const entries = balancedTransaction(moment).map((entry) => ({
    ...entry,
    amount: entry.amount.toString(),
  }));
  const isGas = moment.moment === 'gas_spent';
  const data = { moment: moment.moment, network, asset: isGas ? 'native' : asset, entries };
  const cause = { topic: 'decisions', offset: decision, source: 'metering' } as const;
  return log.write('ledger', 'LedgerPosted', data as Data<'LedgerPosted'>, cause);
}

/** One crawl from its proof to its charge. */
export function crawl(log: PlatformLog, n: number, amount?: string): void {
  accept(log, prove(log, n, amount), n, amount);
  post(log, deliver(log, n), n, amount);
}

/** Settlement says something of charges; the verifier relays it, and metering posts it. */
export function relay<
  Type extends 'ChargeInFlight' | 'ChargeReturned' | 'ChargeSettled' | 'ChargeUncollectible',
>(log: PlatformLog, charge: number, type: Type, data: Data<Type>, moment: Moment): void {
  const cause = { topic: 'charges', offset: charge, source: 'settlement' } as const;
  const payment = log.write('payments', type, data, cause);
  meter(log, decide(log, payment, type, data), moment);
}

export function seal(log: PlatformLog, ns: readonly number[], batchId = 'b1'): void {
  const charge = log.write('charges', 'LaneOpened', {
    ...{ network, signer, firstNonce: 0, genesisHash: nonceOf(0) },
  });
  log.write(
    'settlements',
    'BatchSealed',
    {
      ...{ batchId, network, asset, signer, nonce: 0, amount: '1', reason: 'old' },
      chargeIds: ns.map((n) => chargeOf(n).chargeId),
    },
    { topic: 'charges', offset: charge, source: 'settlement' },
  );
  for (const n of ns) {
    const data = { ...chargeOf(n), kind: kindOf(n), batchId } as const;
    const amount = BigInt(data.amount);
    relay(log, charge, 'ChargeInFlight', data, {
      moment: 'charge_in_flight',
      ...partiesOf(n),
      amount,
    });
  }
}

/** The gas of one transaction with these charges, in the version that is given. */
export function spendGas(
  log: PlatformLog,
  ns: readonly number[],
  shares: Data<'GasSpent'>['shares'],
): void {
  const [batchId, transactionHash, amountWei] = ['b1', nonceOf(9), '1000'];
  log.write('charges', 'AttemptProposed', {
    ...{ batchId, attempt: 1, network, signer, nonce: 0, withCode: [], rawTransaction: '0x' },
    ...{ transactionHash, maxFeePerGas: '1', maxPriorityFeePerGas: '1' },
    chargeIds: ns.map((n) => chargeOf(n).chargeId),
  });
  const data = {
    ...{ network, signer, batchId, transactionHash, gasUsed: '10', amountWei },
    ...{ charges: ns.length, shares },
  };
  const cause = { topic: 'charges', offset: observeBatch(log), source: 'settlement' } as const;
  const payment = log.write('payments', 'GasSpent', data, cause);
  const decision = decide(log, payment, 'GasSpent', data);
  const gas = { moment: 'gas_spent', network, signer } as const;
  const borne = shares.reduce((sum, share) => sum + BigInt(share.amountWei), 0n);
  meter(log, decision, { ...gas, amount: BigInt(amountWei) - borne });
  for (const share of shares) {
    meter(log, decision, { ...gas, bearer: share.account, amount: BigInt(share.amountWei) });
  }
}

export function settledOf(n: number, batchId = 'b1'): Data<'ChargeSettled'> {
  return {
    ...{ ...chargeOf(n), kind: kindOf(n), batchId, transactionHash: nonceOf(9) },
    ...{ blockNumber: 20, blockTimestampS: 1, paidElsewhere: false },
  };
}

export function settle(log: PlatformLog, n: number, batchId?: string): void {
  const data = settledOf(n, batchId);
  const amount = BigInt(data.amount);
  const moment = { moment: 'charge_settled', from: 'in_flight', ...partiesOf(n), amount } as const;
  relay(log, observeBatch(log), 'ChargeSettled', data, moment);
}

export function writeOff(log: PlatformLog, n: number): void {
  const data = { ...chargeOf(n), kind: kindOf(n), batchId: 'b1', reason: 'cancelled' } as const;
  const amount = BigInt(data.amount);
  const moment = {
    moment: 'charge_uncollectible',
    from: 'in_flight',
    ...partiesOf(n),
    amount,
  } as const;
  relay(log, observeBatch(log), 'ChargeUncollectible', data, moment);
}

function observeBatch(log: PlatformLog): number {
  return log.write('charges', 'SignerUnfrozen', { signer, reason: 'stands for an observation' });
}

export function release(log: PlatformLog, n: number): void {
  const { chargeId } = chargeOf(n);
  const payment = log.write('payments', 'CrawlNotDelivered', {
    ...{ chargeId, payer, requestId: `r${n}`, leaseId: 'l', status: 502, bytes: 0 },
    outcome: 'origin_5xx',
  });
  decide(log, payment, 'HoldReleased', {
    ...chargeOf(n),
    ...request,
    ...{ dialect, kind: kindOf(n), requestId: `r${n}`, reason: 'not_delivered' },
  });
}

/** Everything that may happen, and nothing wrong. */
export function soundLog(): PlatformLog {
  const log = createPlatformLog();
  observe(log, '10000', 10);
  for (const n of [1, 2, 3, 4]) crawl(log, n);
  accept(log, prove(log, 5), 5);
  release(log, 5);
  accept(log, prove(log, 5), 5);
  post(log, deliver(log, 5), 5);
  seal(log, [1, 2, 3]);
  settle(log, 1);
  writeOff(log, 2);
  accept(log, prove(log, 6), 6);
  observe(log, '9000', 21);
  return log;
}
