import { type AnyEvent, encodeEvent } from '@paycrawl/events/event';
import { deadLetterOf } from '@paycrawl/fold/log-sink';
import { createPartition } from '@paycrawl/fold/partition';
import { createMemoryStore } from '@paycrawl/fold/store';
import { describe, expect, it } from 'vitest';
import {
  alice,
  asset,
  expiresAtMs,
  funded,
  network,
  nonce,
  proofOf,
  type Story,
  settledOf,
  story,
  summary,
  t0,
  validBeforeS,
} from './admission.given.js';
import { admission } from './decide.js';
import {
  type Account,
  type AdmissionOutput,
  accountKey,
  obligations,
  type Proof,
} from './state.js';

const forgottenAtMs = validBeforeS * 1000 + 600_000;

function charged(balance = 1_000_000n): { told: Story; proof: Proof } {
  const told = funded(balance);
  const proof = proofOf(1);
  told.proof(proof);
  told.delivered(proof, 1);
  return { told, proof };
}

describe('what settlement says', () => {
  it('behavior: goes on to decisions as it came', () => {
    const { told, proof } = charged();
    const { spec } = told;
    const { transactionHash: _, blockNumber: __, ...charge } = settledOf(proof, 1);
    const { blockTimestampS: ___, paidElsewhere: ____, ...inFlight } = charge;
    expect(spec.feed('ChargeInFlight', inFlight)).toEqual([
      { topic: 'decisions', key: alice, type: 'ChargeInFlight', data: inFlight },
    ]);
    const returned = { ...inFlight, reason: 'unfunded' };
    expect(summary(spec.feed('ChargeReturned', returned))).toEqual(['ChargeReturned unfunded']);
    expect(told.account()).toMatchObject({ unsettled: 1_000n, held: 0n });
    const gas = {
      network,
      signer: asset,
      batchId: 'batch-1',
      transactionHash: nonce(7),
      gasUsed: '1',
      amountWei: '2',
      charges: 1,
      shares: [],
    };
    expect(spec.feed('GasSpent', gas)[0]).toMatchObject({ type: 'GasSpent', key: asset });
  });

  it('behavior: a settled amount leaves the sum at an observation at or after its block', () => {
    const { told, proof } = charged(2_500n);
    expect(summary(told.settled(proof, 205))).toEqual(['FundsRequested', 'ChargeSettled']);
    const open = () => obligations(told.account() ?? expect.fail());
    expect(open()).toBe(1_000n);
    expect(summary(told.funds(2_500n, { blockNumber: 204 }))).toEqual(['FundsRequested']);
    expect(open()).toBe(1_000n);
    told.funds(1_500n, { blockNumber: 205 });
    expect(open()).toBe(0n);
    expect(told.spec.range('w/')).toEqual([]);
  });

  it('behavior: it leaves at once when a later block is observed already', () => {
    const { told, proof } = charged(2_500n);
    told.funds(1_500n, { blockNumber: 300 });
    expect(summary(told.settled(proof, 205))).toEqual(['ChargeSettled']);
    expect(told.account()).toMatchObject({ unsettled: 0n, leaving: [] });
  });

  it('behavior: an uncollectible charge is a loss against the limit', () => {
    const { told, proof } = charged();
    expect(summary(told.uncollectible(proof))).toEqual(['ChargeUncollectible cancelled']);
    expect(told.account()).toMatchObject({ unsettled: 0n, losses: 1_000n });
    const limit = { version: 1, marginS: 30, lossLimit: '999', waitingProofsMax: 8 };
    told.spec.feed('AdmissionSettingsChanged', limit);
    expect(summary(told.proof(proofOf(2)))).toEqual(['PaymentRejected payer_loss_limit']);
  });

  it('behavior: a charge ends once, whatever is said twice', () => {
    const { told, proof } = charged();
    told.uncollectible(proof);
    told.settled(proof, 50);
    told.uncollectible(proof);
    expect(told.account()).toMatchObject({ unsettled: 0n, losses: 1_000n });
  });
});

describe('memory', () => {
  it('behavior: a released nonce is kept until validBefore plus the grace, then goes entirely', () => {
    const told = funded();
    const proof = proofOf(1);
    told.proof(proof);
    told.notDelivered(proof, 1);
    told.time(forgottenAtMs - 1);
    expect(told.spec.range('n/')).toHaveLength(1);
    told.time(forgottenAtMs);
    expect(told.spec.range('n/')).toEqual([]);
    expect(told.spec.range('p/')).toEqual([]);
    expect(told.spec.earliestTimerMs()).toBeUndefined();
  });

  it('behavior: an open charge keeps its nonce for as long as it takes', () => {
    const { told, proof } = charged();
    told.time(forgottenAtMs * 2);
    expect(told.spec.range('n/')).toHaveLength(1);
    told.settled(proof, 50);
    expect(told.spec.range('n/')).toHaveLength(1);
    told.time(forgottenAtMs * 2 + 1);
    expect(told.spec.range('n/')).toEqual([]);
  });

  it('behavior: a settled nonce is kept like a released one', () => {
    const { told, proof } = charged();
    told.settled(proof, 50);
    told.time(forgottenAtMs - 1);
    expect(summary(told.proof(proofOf(1)))).toEqual(['PaymentRejected nonce_already_used']);
    told.time(forgottenAtMs);
    expect(told.spec.range('n/')).toEqual([]);
  });

  it('behavior: losses keep the account', () => {
    const { told, proof } = charged();
    told.uncollectible(proof);
    told.time(forgottenAtMs * 2);
    expect(told.spec.range('n/')).toEqual([]);
    expect(told.account()).toMatchObject({ losses: 1_000n, proofs: 0 });
  });

  it('behavior: an empty wallet is forgotten a minute after it was looked at', () => {
    const told = story();
    told.proof(proofOf(1));
    told.funds(0n);
    expect(told.account()).toMatchObject({ proofs: 0 });
    told.time(t0 + 60_000);
    expect(told.account()).toBeUndefined();
    expect(told.spec.earliestTimerMs()).toBeUndefined();
  });

  it('error: nonce_forgotten: a later outcome goes to dead-letters, is counted, posts nothing', () => {
    const told = funded();
    const proof = proofOf(1);
    told.proof(proof);
    told.time(expiresAtMs);
    told.time(forgottenAtMs);
    for (const outputs of [
      told.delivered(proof, 1),
      told.notDelivered(proof, 1),
      told.started(proof, 1),
    ]) {
      expect(summary(outputs)).toEqual([
        'RecordIgnored nonce_forgotten',
        'RecordDeadLettered nonce_forgotten',
      ]);
      expect(outputs[1]).toMatchObject({ topic: 'dead-letters', data: { consumer: 'verifier' } });
    }
    expect(told.account()).toBeUndefined();
    expect(told.abandoned(proof)).toEqual([]);
  });

  it('behavior: a hold that expired long after its time still has its ten minutes of grace', () => {
    const told = funded();
    const proof = proofOf(1);
    told.proof(proof);
    told.notDelivered(proof, 1);
    const again = proofOf(1);
    told.proof(again);
    const later = forgottenAtMs + 86_400_000;
    expect(summary(told.time(later))).toEqual(['HoldReleased expired']);
    expect(summary(told.delivered(again, 2, later + 1))).toEqual([
      'LossPosted delivered_after_release',
    ]);
  });
});

describe('freezes and settings', () => {
  it('error: payer_frozen until it is lifted, also for proofs that wait; holds go on', () => {
    const told = story();
    told.proof(proofOf(1));
    told.spec.feed('PayerFrozen', { payer: alice, reason: 'abuse' });
    expect(summary(told.funds(1_000_000n))).toEqual(['PaymentRejected payer_frozen']);
    expect(summary(told.proof(proofOf(2)))).toEqual(['PaymentRejected payer_frozen']);
    told.spec.feed('PayerUnfrozen', { payer: alice, reason: 'sorted out' });
    const proof = proofOf(2);
    expect(summary(told.proof(proof))).toEqual(['PaymentAccepted 1']);
    told.spec.feed('PayerFrozen', { payer: alice, reason: 'abuse' });
    expect(summary(told.delivered(proof, 1))).toEqual(['ChargePosted']);
  });

  it('error: publisher_frozen until it is lifted, of that publisher alone; holds go on', () => {
    const told = funded();
    const held = proofOf(1);
    const { publisherId } = held;
    expect(summary(told.proof(held))).toEqual(['PaymentAccepted 1']);
    told.spec.feed('PublisherFrozen', { publisherId: 'somebody-else', reason: 'abuse' });
    told.spec.feed('PublisherFrozen', { publisherId, reason: 'abuse' });
    expect(summary(told.proof(proofOf(2)))).toEqual(['PaymentRejected publisher_frozen']);
    expect(summary(told.delivered(held, 1))).toEqual(['ChargePosted']);
    told.spec.feed('PublisherUnfrozen', { publisherId, reason: 'sorted out' });
    expect(summary(told.proof(proofOf(2)))).toEqual(['PaymentAccepted 1']);
  });

  it('behavior: settings take effect by a record, from there on; older versions do nothing', () => {
    const told = funded();
    const change = (version: number, marginS: number) =>
      told.spec.feed('AdmissionSettingsChanged', {
        ...{ version, marginS, lossLimit: '5', waitingProofsMax: 1 },
      });
    told.proof(proofOf(1));
    change(2, 600);
    expect(summary(told.proof(proofOf(2)))).toEqual(['PaymentRejected payment_expired']);
    change(1, 0);
    change(2, 0);
    expect(summary(told.proof(proofOf(2)))).toEqual(['PaymentRejected payment_expired']);
    // A hold keeps the end that it was given.
    expect(summary(told.time(expiresAtMs - 1))).toEqual([]);
    expect(summary(told.time(expiresAtMs))).toEqual(['HoldReleased expired']);
  });
});

/** Folds through the runtime's partition, which catches typed errors and parks. */
async function folded(events: readonly [AnyEvent['type'], unknown, number?][]) {
  const outputs: AdmissionOutput[] = [];
  const store = createMemoryStore();
  const sink = { write: async () => {}, close: async () => {} };
  const partition = createPartition<AdmissionOutput>({
    fold: admission,
    partition: 0,
    store,
    sink,
    deadLetter: deadLetterOf('verifier') as never,
    onFolded: (batch) => void outputs.push(...batch.map(({ output }) => output)),
    onBroken: (error) => expect.fail(String(error)),
  });
  let offset = 0;
  const fold = async (list: typeof events) => {
    const before = outputs.length;
    for (const [type, data, atMs = t0] of list) {
      const event = { type, id: `test/${offset}`, source: 'test', timeMs: atMs, data } as AnyEvent;
      const record = { topic: 'payments.1', partition: 0, key: '', value: encodeEvent(event) };
      await partition.fold([{ ...record, offset: offset++, timestampMs: atMs }]);
    }
    return summary(outputs.slice(before));
  };
  /** Alters an account behind the fold's back, as a defect would. */
  const tamper = (account: Account) => {
    partition.working.view.set(accountKey(alice, asset), account);
    partition.working.keep();
  };
  return { first: await fold(events), fold, tamper, view: partition.working.view };
}

describe('a parked payer', () => {
  const observed = {
    ...{ payer: alice, network, asset, balance: '1000000', hasCode: false },
    ...{ blockNumber: 1, blockHash: nonce(1), blockTimestampS: 1, nonces: [] },
  };

  async function parked() {
    const [proof, other] = [proofOf(1), proofOf(2)];
    const told = await folded([
      ['FundsObserved', observed],
      ['ProofReceived', proof],
      ['ProofReceived', other],
    ]);
    const account = told.view.get<Account>(accountKey(alice, asset)) ?? expect.fail();
    // A hold that the books do not know: its end cannot be booked.
    told.tamper({ ...account, held: 0n });
    const outputs = await told.fold([['CrawlDelivered', deliveryOf(proof)]]);
    return { ...told, proof, other, outputs, account };
  }

  function deliveryOf(proof: Proof) {
    const { chargeId, payer, requestId } = proof;
    const leaseId = `${chargeId}:1`;
    return { chargeId, payer, requestId, leaseId, outcome: 'delivered', status: 200, bytes: 1 };
  }

  it('error: admission_books_broken parks by an output and keeps the record', async () => {
    const { outputs, view } = await parked();
    expect(outputs).toEqual(['PayerParked admission_books_broken']);
    expect(view.range(`kr/${alice}/`)).toHaveLength(1);
  });

  it('error: payer_parked for new proofs; outcomes are kept in order', async () => {
    const { fold, other, view } = await parked();
    expect(await fold([['ProofReceived', proofOf(3)]])).toEqual(['PaymentRejected payer_parked']);
    expect(await fold([['CrawlDelivered', deliveryOf(other)]])).toEqual([]);
    expect(view.range(`kr/${alice}/`)).toHaveLength(2);
  });

  it('behavior: the process goes on with the timers of others when one cannot be booked', async () => {
    const { fold, view } = await parked();
    expect(await fold([['TimePassed', {}, expiresAtMs]])).toEqual([]);
    expect(view.range('n/')).toHaveLength(2);
  });

  it('behavior: a fix and PayerReleased fold what was kept, in order', async () => {
    const { fold, view, tamper, account } = await parked();
    tamper(account);
    expect(await fold([['PayerReleased', { payer: alice, ruleVersion: 2 }]])).toEqual([
      'ChargePosted',
    ]);
    expect(view.range('k')).toEqual([]);
    expect(await fold([['ProofReceived', proofOf(3)]])).toEqual(['PaymentAccepted 1']);
  });

  it('behavior: a release without a fix parks again and loses nothing', async () => {
    const { fold, view } = await parked();
    await fold([['PayerReleased', { payer: alice, ruleVersion: 2 }]]);
    expect(view.get(`k/${alice}`)).toBeDefined();
    expect(view.range(`kr/${alice}/`)).toHaveLength(2);
  });

  it('behavior: nonces of a parked payer outlive the outcomes that are kept', async () => {
    const { fold, view, tamper, account } = await parked();
    tamper(account);
    await fold([['TimePassed', {}, expiresAtMs]]);
    await fold([['TimePassed', {}, forgottenAtMs + 1]]);
    expect(view.range('n/')).toHaveLength(2);
    expect(await fold([['PayerReleased', { payer: alice, ruleVersion: 2 }]])).toEqual([
      'LossPosted delivered_after_release',
    ]);
  });

  it('error: internal for a typed error in a record of no payer: the process stops', () => {
    const view = story().spec as never;
    const event = { type: 'TimePassed', data: {} } as AnyEvent;
    const position = { partition: 0, offset: 1, key: '' };
    expect(() => admission.park?.(view, event, position, 'internal')).toThrow(/without a payer/);
  });
});
