import { describe, expect, it } from 'vitest';
import {
  alice,
  bob,
  expiresAtMs,
  funded,
  proofOf,
  type Story,
  story,
  summary,
  t0,
  validBeforeS,
} from './admission.given.js';
import type { Proof } from './state.js';

function held(): { told: Story; proof: Proof } {
  const told = funded();
  const proof = proofOf(1);
  told.proof(proof);
  return { told, proof };
}

describe('a hold ends exactly once', () => {
  it('behavior: posted by a delivery, with all that settlement needs', () => {
    const { told, proof } = held();
    const outputs = told.delivered(proof, 1);
    expect(summary(outputs)).toEqual(['ChargePosted']);
    expect(outputs[0]?.data).toMatchObject({
      chargeId: proof.chargeId,
      authorization: proof.authorization,
      signature: proof.signature,
      payTo: proof.payTo,
      settleAlone: false,
      outcome: 'delivered',
      bytes: 512,
    });
    expect(told.account()).toMatchObject({ held: 0n, unsettled: 1_000n });
    for (const late of [told.delivered(proof, 1), told.notDelivered(proof, 1)]) {
      expect(late).toEqual([]);
    }
    expect(summary(told.time(expiresAtMs))).toEqual([]);
    expect(told.account()).toMatchObject({ held: 0n, unsettled: 1_000n });
  });

  it('behavior: released by an outcome that is not billable', () => {
    const { told, proof } = held();
    const outputs = told.notDelivered(proof, 1);
    expect(summary(outputs)).toEqual(['HoldReleased not_delivered']);
    expect(outputs[0]?.data).toMatchObject({ outcome: 'origin_5xx', requestId: proof.requestId });
    expect(told.notDelivered(proof, 1)).toEqual([]);
    expect(summary(told.time(expiresAtMs))).toEqual([]);
    expect(told.account()).toMatchObject({ held: 0n, unsettled: 0n });
  });

  it('behavior: released when its ingress gives up without knowing the decision', () => {
    const { told, proof } = held();
    expect(summary(told.abandoned(proof))).toEqual(['HoldReleased abandoned']);
    expect(told.abandoned(proof)).toEqual([]);
    expect(told.account()?.held).toBe(0n);
  });

  it('behavior: giving up by another request, or after the body began, ends nothing', () => {
    const { told, proof } = held();
    expect(told.abandoned(proofOf(1))).toEqual([]);
    told.started(proof, 1);
    expect(told.abandoned(proof)).toEqual([]);
    expect(told.account()?.held).toBe(1_000n);
  });

  it('behavior: expired at validBefore minus the margin, without any traffic', () => {
    const { told } = held();
    expect(told.spec.earliestTimerMs()).toBeLessThanOrEqual(expiresAtMs);
    expect(summary(told.time(expiresAtMs - 1))).toEqual([]);
    expect(summary(told.time(expiresAtMs))).toEqual(['HoldReleased expired']);
    expect(summary(told.time(expiresAtMs + 1))).toEqual([]);
  });

  it('behavior: a delivery after the expiry is a loss, whether TimePassed came before or not', () => {
    const withTime = held();
    withTime.told.time(expiresAtMs);
    expect(summary(withTime.told.delivered(withTime.proof, 1, expiresAtMs + 5_000))).toEqual([
      'LossPosted delivered_after_release',
    ]);
    const without = held();
    expect(summary(without.told.delivered(without.proof, 1, expiresAtMs + 5_000))).toEqual([
      'HoldReleased expired',
      'LossPosted delivered_after_release',
    ]);
    for (const { told } of [withTime, without]) {
      expect(told.account()).toMatchObject({ held: 0n, unsettled: 0n, losses: 1_000n });
    }
  });
});

describe('a delivery that is reported after a release', () => {
  it('behavior: is charged if time and funds still allow', () => {
    const { told, proof } = held();
    told.notDelivered(proof, 1);
    expect(summary(told.delivered(proof, 1))).toEqual(['ChargePosted']);
    expect(told.account()).toMatchObject({ held: 0n, unsettled: 1_000n });
    expect(told.delivered(proof, 1)).toEqual([]);
  });

  it('behavior: is a loss if the funds are bound by others meanwhile', () => {
    const told = funded(1_000n);
    const proof = proofOf(1);
    told.proof(proof);
    told.abandoned(proof);
    told.proof(proofOf(2));
    const outputs = told.delivered(proof, 1);
    expect(summary(outputs)).toEqual(['LossPosted delivered_after_release']);
    expect(told.account()).toMatchObject({ held: 1_000n, unsettled: 0n, losses: 1_000n });
    expect(told.delivered(proof, 1)).toEqual([]);
    expect(summary(told.proof(proofOf(1)))).toEqual(['PaymentRejected nonce_already_used']);
  });

  it('behavior: while the proof waits again, ends that wait and is charged', () => {
    const told = funded(1_000n);
    const proof = proofOf(1);
    told.proof(proof);
    told.notDelivered(proof, 1);
    told.proof(proofOf(2), t0 + 2_000);
    told.proof(proofOf(1), t0 + 2_000);
    told.abandoned(proofOf(2), t0 + 2_000);
    expect(summary(told.delivered(proof, 1))).toEqual([
      'PaymentRejected delivery_in_progress',
      'LossPosted delivered_after_release',
    ]);
  });

  it('behavior: losses above the limit refuse new proofs', () => {
    const told = story();
    const settings = { version: 1, marginS: 30, lossLimit: '999', waitingProofsMax: 8 };
    told.spec.feed('AdmissionSettingsChanged', settings);
    told.funds(1_000_000n);
    const proof = proofOf(1);
    told.proof(proof);
    told.delivered(proof, 1, expiresAtMs);
    const next = proofOf(2);
    const authorization = { ...next.authorization, validBefore: String(validBeforeS + 3_600) };
    const refused = told.proof({ ...next, authorization });
    expect(summary(refused)).toEqual(['PaymentRejected payer_loss_limit']);
  });
});

describe('leases', () => {
  it('error: delivery_in_progress until the lease ends, then the repeat takes over the hold', () => {
    const { told, proof } = held();
    expect(summary(told.proof(proofOf(1), t0 + 9_999))).toEqual([
      'PaymentRejected delivery_in_progress',
    ]);
    const repeat = proofOf(1);
    const outputs = told.proof(repeat, t0 + 10_000);
    expect(summary(outputs)).toEqual(['LeaseGranted held 2']);
    expect(outputs[0]?.data).toMatchObject({ requestId: repeat.requestId, leaseMs: 10_000 });
    expect(told.account()?.held).toBe(1_000n);
    expect(told.notDelivered(proof, 1)).toEqual([]);
    expect(summary(told.notDelivered(repeat, 2))).toEqual(['HoldReleased not_delivered']);
  });

  it('behavior: a delivery of any lease posts the charge once', () => {
    const { told, proof } = held();
    const repeat = proofOf(1);
    told.proof(repeat, t0 + 10_000);
    expect(summary(told.delivered(proof, 1))).toEqual(['ChargePosted']);
    expect(told.delivered(repeat, 2)).toEqual([]);
  });

  it('behavior: DeliveryStarted extends the lease to the end of the hold', () => {
    const { told, proof } = held();
    told.started(proof, 1);
    expect(summary(told.proof(proofOf(1), t0 + 400_000))).toEqual([
      'PaymentRejected delivery_in_progress',
    ]);
    expect(summary(told.delivered(proof, 1))).toEqual(['ChargePosted']);
  });

  it('behavior: DeliveryStarted of an older lease extends nothing', () => {
    const { told, proof } = held();
    told.proof(proofOf(1), t0 + 10_000);
    told.started(proof, 1);
    expect(summary(told.proof(proofOf(1), t0 + 20_000))).toEqual(['LeaseGranted held 3']);
  });

  it('behavior: a lease never outlives its hold', () => {
    const { told } = held();
    const outputs = told.proof(proofOf(1), expiresAtMs - 4_000);
    expect(outputs[0]?.data).toMatchObject({ charge: 'held', leaseMs: 4_000 });
  });

  it('error: lease_unknown: an outcome of a lease that was never given out goes aside', () => {
    const { told, proof } = held();
    for (const outputs of [told.delivered(proof, 2), told.notDelivered(proof, 0)]) {
      expect(summary(outputs)).toEqual([
        'RecordIgnored lease_unknown',
        'RecordDeadLettered lease_unknown',
      ]);
    }
    expect(told.account()).toMatchObject({ held: 1_000n, unsettled: 0n });
  });
});

describe('repeats after the end', () => {
  it('behavior: a charged proof is served again, uncharged, for ten minutes at the same URL', () => {
    const { told, proof } = held();
    told.delivered(proof, 1);
    expect(summary(told.proof(proofOf(1), t0 + 600_000))).toEqual(['LeaseGranted charged 1']);
    expect(summary(told.proof(proofOf(1), t0 + 600_001))).toEqual([
      'PaymentRejected nonce_already_used',
    ]);
    expect(told.account()).toMatchObject({ held: 0n, unsettled: 1_000n });
  });

  it('error: nonce_already_used at another method or URL', () => {
    const { told, proof } = held();
    told.delivered(proof, 1);
    for (const over of [{ path: '/other' }, { method: 'POST' }, { host: 'else.test' }]) {
      expect(summary(told.proof(proofOf(1, over)))).toEqual(['PaymentRejected nonce_already_used']);
    }
  });

  it('behavior: a released proof may be presented again, also elsewhere, with the next lease', () => {
    const { told, proof } = held();
    told.notDelivered(proof, 1);
    const again = proofOf(1, { path: '/other' });
    expect(summary(told.proof(again))).toEqual(['PaymentAccepted 2']);
    expect(told.delivered(again, 2)[0]?.data).toMatchObject({ path: '/other' });
  });

  it('behavior: nor does a copy of an earlier one, when others held the proof since', () => {
    const { told, proof } = held();
    told.notDelivered(proof, 1);
    const second = proofOf(1);
    told.proof(second);
    expect(told.proof(proof)).toEqual([]);
    told.notDelivered(second, 2);
    for (const copy of [proof, second]) expect(told.proof(copy)).toEqual([]);
    expect(summary(told.proof(proofOf(1)))).toEqual(['PaymentAccepted 3']);
  });

  it('behavior: a copy of a record whose lease was taken over takes nothing back', () => {
    const { told, proof } = held();
    const second = proofOf(1);
    expect(summary(told.proof(second, t0 + 11_000))).toEqual(['LeaseGranted held 2']);
    expect(told.proof(proof, t0 + 30_000)).toEqual([]);
    expect(summary(told.proof(proofOf(1), t0 + 30_000))).toEqual(['LeaseGranted held 3']);
  });

  it('behavior: a copy of the record whose hold was released opens no other', () => {
    const { told, proof } = held();
    told.notDelivered(proof, 1);
    expect(told.proof(proof)).toEqual([]);
    expect(told.account()?.held).toBe(0n);
  });

  it('behavior: a refused proof may be presented again, and is accepted when it fits', () => {
    const told = funded(10n);
    expect(summary(told.proof(proofOf(1)))).toEqual(['PaymentRejected insufficient_funds']);
    told.funds(1_000n);
    expect(summary(told.proof(proofOf(1)))).toEqual(['PaymentAccepted 1']);
  });
});

describe('payment identifiers', () => {
  const named = (n: number, over: Partial<Proof> = {}) =>
    proofOf(n, { paymentId: 'pay_1', payloadHash: `hash-${n}`, ...over });

  it('behavior: same identifier and payload is the stored outcome', () => {
    const told = funded();
    const proof = named(1);
    told.proof(proof);
    told.delivered(proof, 1);
    expect(summary(told.proof(named(1)))).toEqual(['LeaseGranted charged 1']);
  });

  it('error: payment_identifier_conflict for another payload', () => {
    const told = funded();
    told.proof(named(1));
    expect(summary(told.proof(named(2)))).toEqual(['PaymentRejected payment_identifier_conflict']);
    expect(summary(told.proof(named(1, { payloadHash: 'other' })))).toEqual([
      'PaymentRejected payment_identifier_conflict',
    ]);
  });

  it('behavior: is scoped to the payer', () => {
    const told = funded();
    told.proof(named(1));
    told.funds(1_000n, { payer: bob });
    expect(summary(told.proof(named(1, { payer: bob })))).toEqual(['PaymentAccepted 1']);
  });

  it('behavior: a rejection does not bind it', () => {
    const told = funded(10n);
    expect(summary(told.proof(named(1)))).toEqual(['PaymentRejected insufficient_funds']);
    told.funds(1_000_000n);
    expect(summary(told.proof(named(2)))).toEqual(['PaymentAccepted 1']);
  });

  it('behavior: of two payloads that wait under one identifier only the first is accepted', () => {
    const told = story();
    told.proof(named(1));
    told.proof(named(2));
    expect(summary(told.funds(1_000_000n))).toEqual([
      'PaymentAccepted 1',
      'PaymentRejected payment_identifier_conflict',
    ]);
  });

  it('error: payment_identifier_conflict for a second identifier of one authorization', () => {
    const told = funded();
    told.proof(named(1));
    expect(summary(told.proof(named(1, { paymentId: 'pay_2' })))).toEqual([
      'PaymentRejected payment_identifier_conflict',
    ]);
  });

  it('behavior: lives as long as its nonce, also when presented again without it', () => {
    const told = funded();
    const proof = named(1);
    told.proof(proof);
    told.notDelivered(proof, 1);
    const again = proofOf(1);
    told.proof(again);
    told.notDelivered(again, 2);
    expect(summary(told.proof(named(2)))).toEqual(['PaymentRejected payment_identifier_conflict']);
    told.time(validBeforeS * 1000 + 600_000);
    expect(told.spec.range('i/')).toEqual([]);
    expect(told.spec.range('n/')).toEqual([]);
    expect(told.spec.range(`p/${alice}`)).toHaveLength(0);
  });
});
