import { describe, expect, it } from 'vitest';
import {
  alice,
  asset,
  bob,
  funded,
  network,
  nonce,
  proofOf,
  story,
  summary,
  t0,
  validBeforeS,
} from './admission.given.js';
import { obligations } from './state.js';

describe('a proof of an unknown payer', () => {
  it('behavior: waits, and the funds of its payer are asked once, with its nonce', () => {
    const told = story();
    const first = told.proof(proofOf(1));
    expect(summary(first)).toEqual(['FundsRequested']);
    expect(first[0]?.data).toEqual({ payer: alice, network, asset, nonces: [nonce(1)] });
    expect(summary(told.proof(proofOf(2)))).toEqual([]);
    expect(told.spec.range('w/')).toHaveLength(1);
  });

  it('behavior: is accepted when the funds are observed, and the amount is held', () => {
    const told = story();
    const proof = proofOf(1);
    told.proof(proof);
    const outputs = told.funds(1_000n);
    expect(summary(outputs)).toEqual(['PaymentAccepted 1']);
    expect(outputs[0]?.data).toMatchObject({
      requestId: proof.requestId,
      ingressId: 'ingress-1',
      leaseMs: 10_000,
      holdExpiresAtMs: validBeforeS * 1000 - 30_000,
      challengeId: 'challenge-1',
    });
    expect(told.account()).toMatchObject({ held: 1_000n, unsettled: 0n, waiting: [], proofs: 1 });
    expect(told.spec.range('w/')).toEqual([]);
  });

  it('error: insufficient_funds when the observation shows too little; nothing is remembered', () => {
    const told = story();
    told.proof(proofOf(1));
    expect(summary(told.funds(999n))).toEqual(['PaymentRejected insufficient_funds']);
    expect(told.spec.range('n/')).toEqual([]);
    expect(told.account()).toMatchObject({ held: 0n, proofs: 0 });
  });

  it('error: nonce_already_used when the chain shows the nonce used or cancelled', () => {
    const told = story();
    told.proof(proofOf(1));
    told.proof(proofOf(2));
    const nonces = [
      { nonce: nonce(1), used: true },
      { nonce: nonce(2), used: false },
    ];
    expect(summary(told.funds(5_000n, { nonces }))).toEqual([
      'PaymentRejected nonce_already_used',
      'PaymentAccepted 1',
    ]);
  });

  it('error: funds_unknown when no observation came within decideWithin of the append time', () => {
    const told = story();
    told.proof(proofOf(1, { decideWithinMs: 2_000 }));
    expect(told.spec.earliestTimerMs()).toBe(t0 + 2_000);
    expect(summary(told.time(t0 + 1_999))).toEqual([]);
    const late = told.time(t0 + 2_000);
    expect(summary(late)).toEqual(['PaymentRejected funds_unknown']);
    expect(late[0]?.data).toMatchObject({ retryable: true });
  });

  it('behavior: an observation after the end of the wait opens no hold, TimePassed or not', () => {
    const told = story();
    told.proof(proofOf(1, { decideWithinMs: 2_000 }));
    expect(summary(told.funds(1_000_000n, {}, t0 + 2_001))).toEqual([
      'PaymentRejected funds_unknown',
    ]);
    expect(told.account()).toMatchObject({ held: 0n, proofs: 0 });
  });

  it('error: too_many_waiting_proofs above the bound, by proof and by joined request', () => {
    const told = story();
    const settings = { version: 1, marginS: 30, lossLimit: '0', waitingProofsMax: 2 };
    told.spec.feed('AdmissionSettingsChanged', settings);
    told.proof(proofOf(1));
    told.proof(proofOf(2));
    expect(summary(told.proof(proofOf(3)))).toEqual(['PaymentRejected too_many_waiting_proofs']);
    expect(summary(told.proof(proofOf(1)))).toEqual([]);
    expect(summary(told.proof(proofOf(1)))).toEqual(['PaymentRejected too_many_waiting_proofs']);
    expect(summary(told.proof(proofOf(1, { payer: bob })))).toEqual(['FundsRequested']);
  });
});

describe('repeats while a proof waits', () => {
  it('behavior: a hundred at once are one wait, one hold and one charge', () => {
    const told = story();
    const proofs = Array.from({ length: 100 }, () => proofOf(1));
    const asked = proofs.flatMap((proof) => told.proof(proof));
    expect(summary(asked)).toEqual(['FundsRequested']);
    const outputs = told.funds(1_000_000n);
    expect(outputs[0]?.data).toMatchObject({ requestId: proofs[0]?.requestId });
    expect(summary(outputs)).toEqual([
      'PaymentAccepted 1',
      ...Array.from({ length: 99 }, () => 'PaymentRejected delivery_in_progress'),
    ]);
    expect(told.account()?.held).toBe(1_000n);
    expect(summary(told.delivered(proofs[0] ?? proofOf(1), 1))).toEqual(['ChargePosted']);
    const again = proofs.flatMap((proof) => told.delivered(proof, 1));
    expect(again).toEqual([]);
    expect(told.account()).toMatchObject({ held: 0n, unsettled: 1_000n, proofs: 1 });
  });

  it('behavior: a record that its writer appended twice is one request', () => {
    const told = story();
    const proof = proofOf(1);
    told.proof(proof);
    told.proof(proof);
    expect(summary(told.funds(1_000_000n))).toEqual(['PaymentAccepted 1']);
    expect(summary(told.proof(proof))).toEqual([]);
  });

  it('error: nonce_already_used for another page or another authorization under the nonce', () => {
    const told = story();
    const proof = proofOf(1);
    told.proof(proof);
    const elsewhere = proofOf(1, { path: '/other' });
    expect(summary(told.proof(elsewhere))).toEqual(['PaymentRejected nonce_already_used']);
    const cheaper = proofOf(1, { value: '1' });
    expect(summary(told.proof(cheaper))).toEqual(['PaymentRejected nonce_already_used']);
  });

  it('behavior: who gives up leaves the wait; the others wait on', () => {
    const told = story();
    const [first, second] = [proofOf(1), proofOf(1)];
    told.proof(first);
    told.proof(second);
    expect(summary(told.abandoned(first))).toEqual([]);
    expect(told.funds(1_000_000n)[0]?.data).toMatchObject({ requestId: second.requestId });
  });

  it('behavior: when the last one gives up, nothing waits and nothing is remembered', () => {
    const told = story();
    const proof = proofOf(1);
    told.proof(proof);
    expect(summary(told.abandoned(proof))).toEqual([]);
    expect(told.spec.range('n/')).toEqual([]);
    expect(summary(told.funds(1_000_000n))).toEqual([]);
    expect(told.account()).toMatchObject({ held: 0n, proofs: 0, waiting: [] });
  });
});

describe('funds', () => {
  it('behavior: known funds decide at once', () => {
    expect(summary(funded().proof(proofOf(1)))).toEqual(['PaymentAccepted 1']);
  });

  it('behavior: of two proofs that each fit but not together exactly one is accepted', () => {
    const told = funded(1_500n);
    expect(summary(told.proof(proofOf(1)))).toEqual(['PaymentAccepted 1']);
    expect(summary(told.proof(proofOf(2)))).toEqual(['PaymentRejected insufficient_funds']);
    const waited = story();
    waited.proof(proofOf(1));
    waited.proof(proofOf(2));
    expect(summary(waited.funds(1_500n))).toEqual([
      'PaymentAccepted 1',
      'PaymentRejected insufficient_funds',
    ]);
  });

  it('behavior: too little asks the chain again, at most once in about a block', () => {
    const told = funded(500n);
    expect(summary(told.proof(proofOf(1), t0 + 999))).toEqual([
      'PaymentRejected insufficient_funds',
    ]);
    expect(summary(told.proof(proofOf(1), t0 + 1_000))).toEqual(['FundsRequested']);
    expect(summary(told.funds(1_000n))).toEqual(['PaymentAccepted 1']);
  });

  it('behavior: a lower block never replaces; the question stands until a higher one answers', () => {
    const told = story();
    told.funds(1_000n, { blockNumber: 50 });
    told.proof(proofOf(1, { value: '2000' }), t0 + 2_000);
    expect(summary(told.funds(9_000n, { blockNumber: 49 }))).toEqual([]);
    expect(told.spec.range('w/')).toHaveLength(1);
    expect(summary(told.funds(9_000n, { blockNumber: 51 }))).toEqual(['PaymentAccepted 1']);
  });

  it('behavior: the same block again changes no figure and answers who waits', () => {
    const told = story();
    told.funds(1_000n, { blockNumber: 50 });
    told.proof(proofOf(1, { value: '2000' }), t0 + 2_000);
    expect(summary(told.funds(9_000n, { blockNumber: 50 }))).toEqual([
      'PaymentRejected insufficient_funds',
    ]);
    expect(told.account()?.funds?.balance).toBe(1_000n);
  });

  it('behavior: an old observation is refreshed in the background', () => {
    const told = funded();
    expect(summary(told.proof(proofOf(1), t0 + 60_000))).toEqual(['PaymentAccepted 1']);
    expect(summary(told.proof(proofOf(2), t0 + 60_001))).toEqual([
      'PaymentAccepted 1',
      'FundsRequested',
    ]);
  });

  it('behavior: funds that fell below the obligations accept nothing and end nothing', () => {
    const told = funded(2_000n);
    const proof = proofOf(1);
    told.proof(proof);
    told.funds(10n);
    expect(summary(told.proof(proofOf(2, { value: '1' })))).toEqual([
      'PaymentRejected insufficient_funds',
    ]);
    expect(summary(told.delivered(proof, 1))).toEqual(['ChargePosted']);
  });

  it('behavior: payers do not touch each other', () => {
    const told = funded(1_000n);
    told.proof(proofOf(1));
    told.funds(1_000n, { payer: bob });
    expect(summary(told.proof(proofOf(1, { payer: bob })))).toEqual(['PaymentAccepted 1']);
    expect(obligations(told.account(bob) ?? expect.fail())).toBe(1_000n);
  });
});

describe('the time of an authorization', () => {
  it('error: payment_expired when it leaves no more than the margin', () => {
    const told = funded();
    const margin = validBeforeS * 1000 - 30_000;
    expect(summary(told.proof(proofOf(1), margin - 1))).toEqual([
      'PaymentAccepted 1',
      'FundsRequested',
    ]);
    expect(summary(told.proof(proofOf(2), margin))).toEqual(['PaymentRejected payment_expired']);
  });

  it('error: payment_not_yet_valid before validAfter', () => {
    const told = funded();
    const soon = proofOf(1);
    const authorization = { ...soon.authorization, validAfter: String(t0 / 1000 + 1) };
    expect(summary(told.proof({ ...soon, authorization }))).toEqual([
      'PaymentRejected payment_not_yet_valid',
    ]);
    expect(summary(told.proof({ ...soon, authorization }, t0 + 1_000))).toEqual([
      'PaymentAccepted 1',
    ]);
  });

  it('behavior: a validBefore beyond all dates is far away', () => {
    const far = proofOf(1);
    const authorization = { ...far.authorization, validBefore: (2n ** 256n - 1n).toString() };
    expect(summary(funded().proof({ ...far, authorization }))).toEqual(['PaymentAccepted 1']);
  });

  it('behavior: log time never goes back: the running maximum decides', () => {
    const told = funded();
    told.time(validBeforeS * 1000);
    expect(summary(told.proof(proofOf(1), t0))).toEqual(['PaymentRejected payment_expired']);
  });
});

describe('accounts with code', () => {
  it('error: needs_account_check for a recovered signature while the account has code', () => {
    const told = story();
    told.funds(1_000_000n, { hasCode: true });
    const refused = told.proof(proofOf(1));
    expect(summary(refused)).toEqual(['PaymentRejected needs_account_check']);
    expect(refused[0]?.data).toMatchObject({ retryable: true });
    const asked = proofOf(1, { signatureCheck: { kind: 'asked', blockNumber: 100 } });
    expect(summary(told.proof(asked))).toEqual(['PaymentAccepted 1']);
    expect(told.delivered(asked, 1)[0]?.data).toMatchObject({ settleAlone: true });
  });

  it('error: needs_account_check also for the proof that waited', () => {
    const told = story();
    told.proof(proofOf(1));
    expect(summary(told.funds(1_000_000n, { hasCode: true }))).toEqual([
      'PaymentRejected needs_account_check',
    ]);
  });
});

describe('facilitated proofs', () => {
  it('behavior: are posted at once, for the same obligation', () => {
    const told = funded();
    const proof = proofOf(1, { kind: 'facilitated' });
    const outputs = told.proof(proof);
    expect(summary(outputs)).toEqual(['PaymentAccepted 1', 'ChargePosted']);
    expect(outputs[1]?.data).toMatchObject({ kind: 'facilitated', signature: proof.signature });
    expect(told.account()).toMatchObject({ held: 0n, unsettled: 1_000n, proofs: 1 });
  });

  it('behavior: the same payload again is told how it stands, until it is forgotten', () => {
    const told = funded();
    const proof = proofOf(1, { kind: 'facilitated' });
    told.proof(proof);
    const repeat = () => proofOf(1, { kind: 'facilitated' });
    expect(summary(told.proof(repeat()))).toEqual(['LeaseGranted charged 1']);
    told.settled(proof, 99);
    const later = told.proof(repeat(), t0 + 700_000);
    expect(later[0]?.data).toMatchObject({
      charge: 'charged',
      end: { kind: 'settled', transactionHash: nonce(7) },
    });
  });

  it('behavior: requests that joined the wait are told of the one charge', () => {
    const told = story();
    told.proof(proofOf(1, { kind: 'facilitated' }));
    told.proof(proofOf(1, { kind: 'facilitated' }));
    expect(summary(told.funds(5_000n))).toEqual([
      'PaymentAccepted 1',
      'ChargePosted',
      'LeaseGranted charged 1',
    ]);
  });

  it('error: nonce_already_used for a crawl with a facilitated nonce, and the other way', () => {
    const told = funded();
    told.proof(proofOf(1, { kind: 'facilitated' }));
    expect(summary(told.proof(proofOf(1)))).toEqual(['PaymentRejected nonce_already_used']);
    told.proof(proofOf(2));
    expect(summary(told.proof(proofOf(2, { kind: 'facilitated' })))).toEqual([
      'PaymentRejected nonce_already_used',
    ]);
    const otherKey = proofOf(1, { kind: 'facilitated', publisherId: 'account-2' });
    expect(summary(told.proof(otherKey))).toEqual(['PaymentRejected nonce_already_used']);
  });
});
