import type { DataOf } from '@paycrawl/events/definition';
import { chargeId } from '@paycrawl/events/ids';
import type { CrawlDelivered, FundsObserved } from '@paycrawl/events/payments';
import { type Specification, specify } from '@paycrawl/fold/specification';
import { admission } from './decide.js';
import { type Account, type AdmissionOutput, accountKey, type Proof } from './state.js';

/** A payer, its proofs and what is reported about them, for given / when / then. */

export const network = 'eip155:84532';
export const asset = '0x036cbd53842c5426634e7929541ec2318f3dcf7e';
export const alice = payer(1);
export const bob = payer(2);
/** Log time at which the stories begin, and the `validBefore` of their proofs (10 minutes). */
export const t0 = 1_800_000_000_000;
export const validBeforeS = 1_800_000_600;
/** validBefore − default margin (30 s). */
export const expiresAtMs = t0 + 570_000;

export function payer(n: number): string {
  return `${network}:0x${n.toString(16).padStart(40, '0')}`;
}

export function nonce(n: number): string {
  return `0x${n.toString(16).padStart(64, '0')}`;
}

let requests = 0;

/** A proof of 1,000 atomic units by alice; every call is a new request. */
export function proofOf(n: number, over: Partial<Proof> & { value?: string } = {}): Proof {
  const { value = over.amount ?? '1000', ...fields } = over;
  const who = fields.payer ?? alice;
  const from = who.slice(who.lastIndexOf(':') + 1);
  return {
    chargeId: chargeId(network, asset, from, nonce(n)),
    payer: who,
    publisherId: 'publisher-1',
    network,
    asset,
    amount: value,
    method: 'GET',
    host: 'site.test',
    path: '/page',
    crawler: 'GPTBot',
    ruleId: 'rule-1',
    ruleVersion: 1,
    dialect: 'x402-v2-exact',
    kind: 'crawl',
    requestId: `request-${requests++}`,
    ingressId: 'ingress-1',
    challengeId: 'challenge-1',
    payTo: '0x00000000000000000000000000000000000000aa',
    authorization: {
      from,
      to: '0x00000000000000000000000000000000000000aa',
      value,
      validAfter: '0',
      validBefore: String(validBeforeS),
      nonce: nonce(n),
    },
    signature: `0x${'11'.repeat(65)}`,
    signatureCheck: { kind: 'recovered' },
    decideWithinMs: 5_000,
    leaseMs: 10_000,
    ...fields,
  };
}

type Observed = DataOf<typeof FundsObserved>;
type Outcome = DataOf<typeof CrawlDelivered>;

export interface Story {
  readonly spec: Specification<AdmissionOutput>;
  proof(proof: Proof, atMs?: number): AdmissionOutput[];
  funds(balance: bigint, over?: Partial<Observed>, atMs?: number): AdmissionOutput[];
  started(proof: Proof, lease: number, atMs?: number): AdmissionOutput[];
  delivered(proof: Proof, lease: number, atMs?: number): AdmissionOutput[];
  notDelivered(proof: Proof, lease: number, atMs?: number): AdmissionOutput[];
  abandoned(proof: Proof, atMs?: number): AdmissionOutput[];
  settled(proof: Proof, blockNumber: number, atMs?: number): AdmissionOutput[];
  uncollectible(proof: Proof, atMs?: number): AdmissionOutput[];
  time(atMs: number): AdmissionOutput[];
  account(who?: string): Account | undefined;
}

export function story(): Story {
  const spec = specify(admission);
  let blockNumber = 100;
  const at = (atMs: number | undefined) => (atMs === undefined ? {} : { atMs });
  const outcome = (proof: Proof, lease: number): Outcome => ({
    chargeId: proof.chargeId,
    payer: proof.payer,
    requestId: proof.requestId,
    leaseId: `${proof.chargeId}:${lease}`,
    outcome: 'delivered',
    status: 200,
    bytes: 512,
  });
  spec.feed('TimePassed', {}, { atMs: t0 });
  return {
    spec,
    proof: (proof, atMs) => spec.feed('ProofReceived', proof, at(atMs)),
    funds: (balance, over = {}, atMs) => {
      const data: Observed = {
        payer: alice,
        network,
        asset,
        balance: balance.toString(),
        hasCode: false,
        blockNumber: blockNumber++,
        blockHash: nonce(9),
        blockTimestampS: 1_800_000_000,
        nonces: [],
        ...over,
      };
      return spec.feed('FundsObserved', data, at(atMs));
    },
    started: (proof, lease, atMs) => {
      const { chargeId, payer, requestId, leaseId } = outcome(proof, lease);
      return spec.feed('DeliveryStarted', { chargeId, payer, requestId, leaseId }, at(atMs));
    },
    delivered: (proof, lease, atMs) => spec.feed('CrawlDelivered', outcome(proof, lease), at(atMs)),
    notDelivered: (proof, lease, atMs) => {
      const data = { ...outcome(proof, lease), outcome: 'origin_5xx', status: 502 } as const;
      return spec.feed('CrawlNotDelivered', data, at(atMs));
    },
    abandoned: (proof, atMs) => {
      const { leaseId: _, ...data } = outcome(proof, 1);
      const over = { outcome: 'abandoned', status: 0, bytes: 0 } as const;
      return spec.feed('CrawlNotDelivered', { ...data, ...over }, at(atMs));
    },
    settled: (proof, blockNumber, atMs) =>
      spec.feed('ChargeSettled', settledOf(proof, blockNumber), at(atMs)),
    uncollectible: (proof, atMs) => {
      const { chargeId, payer, publisherId, amount, kind } = proof;
      const data = { chargeId, payer, publisherId, network, asset, amount, kind };
      return spec.feed('ChargeUncollectible', { ...data, reason: 'cancelled' }, at(atMs));
    },
    time: (atMs) => spec.feed('TimePassed', {}, { atMs }),
    account: (who = alice) => spec.get(accountKey(who, asset)),
  };
}

export function settledOf(proof: Proof, blockNumber: number) {
  const { chargeId, payer, publisherId, amount, kind } = proof;
  return {
    ...{ chargeId, payer, publisherId, network, asset, amount, kind },
    batchId: 'batch-1',
    transactionHash: nonce(7),
    blockNumber,
    blockTimestampS: 1_800_000_100,
    paidElsewhere: false,
  };
}

/** A payer with funds known. */
export function funded(balance = 1_000_000n): Story {
  const told = story();
  told.funds(balance);
  return told;
}

/** One line per output: the type and what a reader wants to know first. */
export function summary(outputs: readonly AdmissionOutput[]): string[] {
  return outputs.map(({ type, data }) => {
    const { code, reason, leaseId, charge } = data as Record<string, unknown>;
    const lease = typeof leaseId === 'string' ? leaseId.split(':')[1] : undefined;
    return [type, charge, code, reason, lease].filter((part) => part !== undefined).join(' ');
  });
}
