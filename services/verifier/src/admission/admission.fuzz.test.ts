import type { EventOfType, PaymentEvent } from '@paycrawl/events/event';
import { specify } from '@paycrawl/fold/specification';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asset, network, nonce, payer, proofOf, settledOf, t0 } from './admission.given.js';
import { admission } from './decide.js';
import {
  type Account,
  type Admission,
  type AdmissionOutput,
  accountKey,
  obligations,
  type Proof,
} from './state.js';

/** One step of a history; numbers are taken modulo what there is to choose from. */
interface Step {
  readonly act: (typeof acts)[number];
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly afterMs: number;
}

const acts = [
  ...['proof', 'proof', 'proof', 'proof', 'deliver', 'deliver', 'fail', 'abandon', 'start'],
  ...['funds', 'funds', 'settle', 'lose', 'time', 'time', 'copy', 'copy', 'freeze', 'settings'],
] as const;

const step: fc.Arbitrary<Step> = fc.record({
  act: fc.constantFrom(...acts),
  a: fc.nat(1_000),
  b: fc.nat(1_000),
  c: fc.nat(1_000),
  // Mostly at once; now and then past a lease, a wait, a hold, a memory.
  afterMs: fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(0, 0, 1, 500) },
    { weight: 3, arbitrary: fc.constantFrom(1_500, 6_000, 11_000) },
    { weight: 1, arbitrary: fc.constantFrom(70_000, 400_000, 1_300_000) },
  ),
});

interface Fed {
  readonly type: PaymentEvent['type'];
  readonly data: PaymentEvent['data'];
  readonly atMs: number;
}

const payers = [payer(1), payer(2)];

/** Writes what ingress, watcher, clock and settlement could write, duplicates included. */
function createWriters() {
  const records: Fed[] = [];
  const proofs: Proof[] = [];
  const leases: { proof: Proof; leaseId: string }[] = [];
  const posted: Proof[] = [];
  let [atMs, block, settingsVersion, frozen] = [t0, 100, 0, false];

  function recordOf({ act, a, b, c }: Step): Omit<Fed, 'atMs'> | undefined {
    const pick = <T>(list: readonly T[]): T | undefined => list[a % Math.max(1, list.length)];
    const lease = pick(leases);
    const charge = pick(posted);
    const before = pick(proofs);
    switch (act) {
      case 'proof':
        return { type: 'ProofReceived', data: newProof(a, b, c, atMs) };
      case 'deliver':
        return lease && { type: 'CrawlDelivered', data: outcomeOf(lease, 'delivered') };
      case 'fail':
        return lease && { type: 'CrawlNotDelivered', data: outcomeOf(lease, 'origin_5xx') };
      case 'start':
        return lease && { type: 'DeliveryStarted', data: outcomeOf(lease, 'delivered') };
      case 'abandon': {
        if (before === undefined) return undefined;
        const { leaseId: _, ...data } = outcomeOf({ proof: before, leaseId: '' }, 'abandoned');
        return { type: 'CrawlNotDelivered', data };
      }
      case 'funds':
        return { type: 'FundsObserved', data: observed(a, b, c) };
      case 'settle':
        return charge && { type: 'ChargeSettled', data: settledOf(charge, block + (b % 3)) };
      case 'lose': {
        if (charge === undefined) return undefined;
        const { batchId, ...data } = settledOf(charge, block);
        return { type: 'ChargeUncollectible', data: { ...data, batchId, reason: 'cancelled' } };
      }
      case 'time':
        return { type: 'TimePassed', data: {} };
      case 'copy':
        return pick(records);
      case 'freeze':
        frozen = !frozen && b % 4 === 0;
        return {
          type: frozen ? 'PayerFrozen' : 'PayerUnfrozen',
          data: { payer: payers[0] ?? '', reason: 'test' },
        };
      case 'settings': {
        const waitingProofsMax = 1 + (b % 4);
        const limits = { lossLimit: String(c * 3), waitingProofsMax };
        const version = ++settingsVersion;
        return { type: 'AdmissionSettingsChanged', data: { version, marginS: b % 60, ...limits } };
      }
      default:
        return act satisfies never;
    }
  }

  function observed(a: number, b: number, c: number): EventOfType<'FundsObserved'>['data'] {
    block += b % 3;
    return {
      payer: payers[a % 2] ?? '',
      network,
      asset,
      balance: String((c % 6) * 500),
      hasCode: c % 17 === 0,
      blockNumber: Math.max(0, block - (b % 5 === 0 ? 3 : 0)),
      blockHash: nonce(1),
      blockTimestampS: 1,
      nonces: c % 11 === 0 ? [{ nonce: nonce(b % 4), used: true }] : [],
    };
  }

  return {
    records,
    next(step: Step): Fed | undefined {
      atMs += step.afterMs;
      const made = recordOf(step);
      if (made === undefined) return undefined;
      const fed = { ...made, atMs };
      records.push(fed);
      if (fed.type === 'ProofReceived') proofs.push(fed.data as Proof);
      return fed;
    },
    /** What the ingress and settlement learn from the outputs. */
    learn(outputs: readonly AdmissionOutput[]): void {
      for (const { type, data } of outputs) {
        if (type === 'PaymentAccepted' || type === 'LeaseGranted') {
          const proof = proofs.find(({ chargeId }) => chargeId === data.chargeId);
          if (proof !== undefined) leases.push({ proof, leaseId: data.leaseId });
        }
        if (type === 'ChargePosted') {
          const proof = proofs.find(({ chargeId }) => chargeId === data.chargeId);
          if (proof !== undefined) posted.push({ ...proof, amount: data.amount });
        }
      }
    },
    later(byMs: number): number {
      atMs += byMs;
      return atMs;
    },
    posted,
  };
}

function newProof(a: number, b: number, c: number, atMs: number): Proof {
  const n = b % 6;
  const proof = proofOf(n, {
    payer: payers[a % 2] ?? '',
    value: c % 5 === 0 ? '900' : '600',
    path: c % 7 === 0 ? '/other' : '/page',
    kind: n === 5 ? 'facilitated' : 'crawl',
    ...(c % 3 === 0 ? { paymentId: `pay_${a % 3}`, payloadHash: `hash-${n}` } : {}),
    ...(c % 13 === 0 ? { signatureCheck: { kind: 'asked', blockNumber: 1 } as const } : {}),
  });
  // A nonce belongs to one window; later ones are other authorizations under the same nonce.
  const window = Math.floor(atMs / 1_000_000);
  const authorization = { ...proof.authorization, validBefore: String((window + 2) * 1_000) };
  return { ...proof, authorization };
}

function outcomeOf(
  lease: { proof: Proof; leaseId: string },
  outcome: 'delivered' | 'origin_5xx' | 'abandoned',
) {
  const { chargeId, payer, requestId } = lease.proof;
  return { chargeId, payer, requestId, leaseId: lease.leaseId, outcome, status: 200, bytes: 1 };
}

/** Holds, charges and losses as the outputs tell them. */
function createBooks() {
  const open = new Set<string>();
  const ended = new Map<string, string>();
  const leases = new Map<string, number>();
  return {
    read(outputs: readonly AdmissionOutput[]): void {
      for (const { type, data } of outputs) {
        switch (type) {
          case 'PaymentAccepted': {
            expect(open.has(data.chargeId), 'one hold at a time').toBe(false);
            expect(ended.has(data.chargeId), 'no hold after a charge').toBe(false);
            open.add(data.chargeId);
            const number = Number(data.leaseId.split(':')[1]);
            expect(number).toBeGreaterThan(leases.get(data.chargeId) ?? 0);
            leases.set(data.chargeId, number);
            break;
          }
          case 'HoldReleased':
            expect(open.delete(data.chargeId), 'a hold ends once').toBe(true);
            break;
          case 'ChargePosted':
          case 'LossPosted':
            expect(ended.has(data.chargeId), 'one charge or loss per proof').toBe(false);
            ended.set(data.chargeId, type);
            if (type === 'LossPosted') expect(open.has(data.chargeId)).toBe(false);
            open.delete(data.chargeId);
            break;
          default:
            break;
        }
      }
    },
    open,
  };
}

function check(
  spec: ReturnType<typeof specify<AdmissionOutput>>,
  outputs: readonly AdmissionOutput[],
) {
  const admissions = spec.range<Admission>('n/').map(([, admission]) => admission);
  for (const who of payers) {
    const own = admissions.filter(({ proof }) => proof.payer === who);
    const sum = (of: (admission: Admission) => boolean) =>
      own.filter(of).reduce((total, { proof }) => total + BigInt(proof.amount), 0n);
    const account = spec.get<Account>(accountKey(who, asset));
    const held = sum(({ status }) => status === 'held');
    const unsettled = sum((one) => one.status === 'charged' && one.end === undefined);
    expect({ held: account?.held ?? 0n, unsettled: account?.unsettled ?? 0n }).toEqual({
      held,
      unsettled,
    });
    expect(account?.proofs ?? 0).toBe(own.length);
    const waiting = own.filter(({ status }) => status === 'waiting');
    expect(new Set(account?.waiting)).toEqual(new Set(waiting.map(({ proof }) => proof.chargeId)));
    const accepted = outputs.some(({ type, key }) => type === 'PaymentAccepted' && key === who);
    if (accepted && account !== undefined) {
      expect(obligations(account) <= (account.funds?.balance ?? -1n), 'covered').toBe(true);
    }
    const wants = spec.range(`w/${who}/`).length;
    expect(waiting.length === 0 || wants === 1, 'who waits is asked about').toBe(true);
  }
  const due = admissions.flatMap((one) =>
    one.status === 'held' ? [one.expiresAtMs] : one.status === 'waiting' ? [one.untilMs] : [],
  );
  const earliestMs = spec.earliestTimerMs() ?? Number.POSITIVE_INFINITY;
  expect(earliestMs <= Math.min(...due), 'a timer for whatever must end').toBe(true);
}

function feed(spec: ReturnType<typeof specify<AdmissionOutput>>, { type, data, atMs }: Fed) {
  return spec.feed(type, data as never, { atMs });
}

/** Runs a history and checks everything after every record; returns what was fed and emitted. */
function run(steps: readonly Step[]) {
  const spec = specify(admission);
  const writers = createWriters();
  const books = createBooks();
  const emitted: AdmissionOutput[][] = [];
  for (const one of steps) {
    const fed = writers.next(one);
    if (fed === undefined) continue;
    const outputs = feed(spec, fed);
    emitted.push(outputs);
    writers.learn(outputs);
    books.read(outputs);
    check(spec, outputs);
  }
  return { spec, writers, books, emitted };
}

const numRuns = 300;
const histories = fc.array(step, { minLength: 1, maxLength: 120 });

describe('admission, any history', () => {
  it('property: books add up, holds end once, one charge per proof, no uncovered acceptance', () => {
    fc.assert(
      fc.property(histories, (steps) => void run(steps)),
      { numRuns },
    );
  });

  it('property: equal outputs and equal bytes wherever the owner restarts', async () => {
    const restarts = fc.uniqueArray(fc.nat(120), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(histories, restarts, async (steps, points) => {
        const { spec, writers, emitted } = run(steps);
        const other = specify(admission);
        for (const [index, fed] of writers.records.entries()) {
          if (points.includes(index)) await other.restart();
          expect(feed(other, fed)).toEqual(emitted[index]);
        }
        expect(await other.bytes()).toBe(await spec.bytes());
      }),
      { numRuns: 100 },
    );
  });

  it('property: quiet hours end everything: no hold, no wait, no nonce, no empty account', () => {
    fc.assert(
      fc.property(histories, (steps) => {
        const { spec, writers, books } = run(steps);
        const end = (type: Fed['type'], data: Fed['data'], byMs: number) => {
          const outputs = feed(spec, { type, data, atMs: writers.later(byMs) });
          books.read(outputs);
          check(spec, outputs);
        };
        end('TimePassed', {}, 3_000_000);
        expect(books.open.size).toBe(0);
        for (const proof of writers.posted) end('ChargeSettled', settledOf(proof, 1), 0);
        for (let pass = 0; pass < 3; pass += 1) end('TimePassed', {}, 3_000_000);
        expect(spec.range('n/')).toEqual([]);
        expect(spec.range('i/')).toEqual([]);
        for (const [, account] of spec.range<Account>('p/')) {
          expect(account.losses > 0n || account.leaving.length > 0).toBe(true);
        }
      }),
      { numRuns: 100 },
    );
  });
});
