import { decodeEvent, type EventOfType, encodeEvent } from '@paycrawl/events/event';
import { eventOf } from '@paycrawl/fold/log-sink';
import { type Specification, specify } from '@paycrawl/fold/specification';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { handsOver, settlementFold } from './decide.js';
import { type Batch, type Charge, initialSettings, type Lane, type Out } from './state.js';

const network = 'eip155:84532';
const asset = '0x036cbd53842c5426634e7929541ec2318f3dcf7e';
const signer = `0x${'5'.repeat(40)}`;
const payTo = `0x${'b'.repeat(40)}`;
const from = `0x${'a'.repeat(40)}`;
const hash = (digit: string) => `0x${digit.repeat(64)}`;
const startMs = 1_700_000_000_000;

let given: Specification<Out>;

beforeEach(() => {
  given = specify(settlementFold);
});

type Due = EventOfType<'ChargeDue'>['data'];

function due(chargeId: string, change: Partial<Due> = {}, validBeforeS = 3_000_000_000): Due {
  return {
    chargeId,
    payer: `${network}:${from}`,
    publisherId: 'p1',
    network,
    asset,
    amount: '1000',
    kind: 'crawl',
    payTo,
    authorization: {
      from,
      to: payTo,
      value: '1000',
      validAfter: '0',
      validBefore: String(validBeforeS),
      nonce: hash('1'),
    },
    signature: `0x${'11'.repeat(65)}`,
    settleAlone: false,
    sealAtOnce: false,
    ...change,
  };
}

function openLane(atMs = startMs): Out[] {
  const data = { network, signer, firstNonce: 7, genesisHash: hash('0') };
  return given.feed('LaneOpened', data, { atMs });
}

function take(chargeId: string, change: Partial<Due> = {}, validBeforeS?: number): Out[] {
  return given.feed('ChargeDue', due(chargeId, change, validBeforeS));
}

function seal(...chargeIds: string[]): string {
  openLane();
  for (const id of chargeIds.slice(0, -1)) take(id);
  return batchIdOf(take(chargeIds.at(-1) as string, { sealAtOnce: true }));
}

function batchIdOf(outputs: readonly Out[]): string {
  for (const output of outputs) if (output.type === 'BatchSealed') return output.data.batchId;
  return expect.unreachable();
}

type Proposed = EventOfType<'AttemptProposed'>['data'];

function propose(batchId: string, change: Partial<Proposed> = {}): Out[] {
  const batch = given.get<Batch>(`b/${batchId}`);
  return given.feed('AttemptProposed', {
    batchId,
    attempt: 1,
    network,
    signer,
    nonce: batch?.nonce ?? 7,
    chargeIds: [...(batch?.chargeIds ?? [])],
    withCode: [],
    transactionHash: hash('c'),
    rawTransaction: '0x02',
    maxFeePerGas: '10',
    maxPriorityFeePerGas: '1',
    ...change,
  });
}

type Observed = EventOfType<'BatchObserved'>['data'];
type Answer = Observed['answers'][number];

const minedFirst: Observed['mined'] = {
  by: 'attempt',
  attempt: 1,
  transactionHash: hash('c'),
  succeeded: true,
  gasUsed: '100',
  gasCostWei: '1000',
  minedBlockNumber: 41,
};

function observe(batchId: string, answers: Answer[], mined = minedFirst): Out[] {
  return given.feed('BatchObserved', {
    batchId,
    network,
    blockNumber: 42,
    blockHash: hash('d'),
    blockTimestampS: 1_700_000_000,
    clockDifferenceMs: 400,
    mined,
    answers,
  });
}

function settled(chargeId: string): Answer {
  return { chargeId, answer: 'settled', transactionHash: hash('c') };
}

function types(outputs: readonly Out[]): string[] {
  return outputs.map(({ type }) => type);
}

describe('sealing', () => {
  test('behavior: nothing is sealed before there is a lane, then by age', () => {
    expect(take('c1')).toEqual([]);
    expect(types(openLane())).toEqual([]);
    expect(types(given.feed('TimePassed', {}, { atMs: startMs + 2_000 }))).toEqual([
      'BatchSealed',
      'ChargeInFlight',
    ]);
  });

  test('behavior: the timer is set by the first charge and seals in quiet hours', () => {
    openLane();
    take('c1');
    expect(given.earliestTimerMs()).toBe(startMs + initialSettings.batchAgeMaxMs);
    given.feed('TimePassed', {}, { atMs: startMs + 1_000 });
    expect(given.get<Charge>('c/c1')?.status).toBe('queued');
    const outputs = given.feed('TimePassed', {}, { atMs: startMs + 2_000 });
    expect(outputs[0]).toMatchObject({ type: 'BatchSealed', data: { reason: 'old', nonce: 7 } });
    expect(given.earliestTimerMs()).toBeUndefined();
  });

  test('behavior: a full batch is sealed at once', () => {
    openLane();
    const settings = { ...initialSettings, version: 2, batchChargesMax: 3 };
    given.feed('SettlementSettingsChanged', settings);
    take('c1');
    take('c2');
    const outputs = take('c3');
    expect(outputs[0]).toMatchObject({ data: { reason: 'full', amount: '3000' } });
    expect(types(outputs)).toEqual(['BatchSealed', ...Array(3).fill('ChargeInFlight')]);
  });

  test('behavior: a charge near its deadline is sealed before its age', () => {
    openLane();
    const soonS = startMs / 1000 + initialSettings.deadlineMarginS + 1;
    take('c1', {}, soonS);
    expect(given.earliestTimerMs()).toBe(startMs + 1_000);
    const outputs = given.feed('TimePassed', {}, { atMs: startMs + 1_000 });
    expect(outputs[0]).toMatchObject({ data: { reason: 'deadline' } });
    const late = take('c2', {}, soonS - 1);
    expect(late[0]).toMatchObject({ type: 'BatchSealed', data: { reason: 'deadline' } });
  });

  test('behavior: the nearest deadlines go first', () => {
    take('c1', {}, 3_000_000_003);
    take('c2', {}, 3_000_000_001);
    take('c3', {}, 3_000_000_002);
    given.feed('SettlementSettingsChanged', { ...initialSettings, version: 2, batchChargesMax: 2 });
    const [first] = openLane();
    expect(first).toMatchObject({ data: { chargeIds: ['c2', 'c3'], reason: 'full' } });
  });

  test('behavior: facilitated charges are sealed at once', () => {
    openLane();
    const outputs = take('c1', { kind: 'facilitated', sealAtOnce: true });
    expect(outputs[0]).toMatchObject({ data: { reason: 'at_once' } });
  });

  test('behavior: payers with code go alone, one such batch at a time', () => {
    openLane();
    expect(take('c1', { settleAlone: true })[0]).toMatchObject({ data: { reason: 'alone' } });
    expect(take('c2', { settleAlone: true })).toEqual([]);
    expect(take('c3', { signature: `0x${'22'.repeat(96)}` })).toEqual([]);
    expect(types(take('c4', { sealAtOnce: true }))).toContain('BatchSealed');
    expect(given.get<Charge>('c/c2')?.status).toBe('alone');
    expect(given.get<Charge>('c/c3')?.isAlone).toBe(true);
  });

  test('behavior: the lane holds a bounded number of batches; one that ends makes room', () => {
    openLane();
    const ids = ['c1', 'c2', 'c3', 'c4'].map((id) => batchIdOf(take(id, { sealAtOnce: true })));
    expect(take('c5', { sealAtOnce: true })).toEqual([]);
    propose(ids[0] as string);
    const outputs = observe(ids[0] as string, [settled('c1')]);
    expect(outputs.at(-2)).toMatchObject({ type: 'BatchSealed', data: { chargeIds: ['c5'] } });
    expect(given.get<Lane>(`lane/${network}`)?.nextNonce).toBe(12);
  });

  test('behavior: a frozen signer seals nothing until it is released', () => {
    openLane();
    given.feed('SignerFrozen', { signer, reason: 'key lost' });
    expect(take('c1', { sealAtOnce: true })).toEqual([]);
    expect(types(given.feed('SignerUnfrozen', { signer, reason: 'found' }))).toContain(
      'BatchSealed',
    );
  });

  test('behavior: a signer may be frozen before its lane opens', () => {
    given.feed('SignerFrozen', { signer, reason: 'key lost' });
    openLane();
    expect(take('c1', { sealAtOnce: true })).toEqual([]);
  });

  test('behavior: what was sealed before a freeze goes on to its end', () => {
    const batchId = seal('c1');
    given.feed('SignerFrozen', { signer, reason: 'key lost' });
    propose(batchId);
    expect(types(observe(batchId, [settled('c1')]))).toContain('ChargeSettled');
    expect(take('c2', { sealAtOnce: true })).toEqual([]);
  });

  test('behavior: what was measured widens the margin', () => {
    const batchId = seal('c1');
    propose(batchId);
    given.feed('TimePassed', {}, { atMs: startMs + 60_000 });
    observe(batchId, [settled('c1')]);
    const nearS = startMs / 1000 + 60 + initialSettings.deadlineMarginS + 10;
    expect(take('c2', {}, nearS)[0]).toMatchObject({ data: { reason: 'deadline' } });
  });
});

describe('attempts', () => {
  test('behavior: the first one with its number is in force, others change nothing', () => {
    const batchId = seal('c1');
    expect(propose(batchId, { attempt: 2 })).toEqual([]);
    expect(types(propose(batchId))).toEqual(['BatchSubmitted']);
    expect(propose(batchId, { transactionHash: hash('e') })).toEqual([]);
    expect(types(propose(batchId, { attempt: 2, transactionHash: hash('f') }))).toEqual([
      'BatchSubmitted',
    ]);
    const attempts = given.get<Batch>(`b/${batchId}`)?.attempts;
    expect(attempts?.map(({ transactionHash }) => transactionHash)).toEqual([hash('c'), hash('f')]);
  });

  test('behavior: another nonce, signer or set of charges is no attempt', () => {
    const batchId = seal('c1', 'c2');
    expect(propose(batchId, { nonce: 9 })).toEqual([]);
    expect(propose(batchId, { signer: from })).toEqual([]);
    expect(propose(batchId, { chargeIds: ['c1'] })).toEqual([]);
    expect(propose('b9-9-9')).toEqual([]);
    expect(types(propose(batchId, { chargeIds: [] }))).toEqual(['BatchSubmitted']);
  });

  test('behavior: any attempt may be the one that was mined', () => {
    const batchId = seal('c1');
    propose(batchId);
    propose(batchId, { attempt: 2, transactionHash: hash('f') });
    const mined = { ...minedFirst, attempt: 2, transactionHash: hash('f') };
    expect(types(observe(batchId, [settled('c1')], mined))).toContain('BatchConfirmed');
  });

  test('behavior: charges whose payers have code now leave and go alone', () => {
    const batchId = seal('c1', 'c2');
    const outputs = propose(batchId, { chargeIds: ['c2'], withCode: ['c1'] });
    expect(outputs.map(({ type }) => type)).toEqual([
      'ChargeReturned',
      'BatchSubmitted',
      'BatchSealed',
      'ChargeInFlight',
    ]);
    expect(outputs[2]).toMatchObject({ data: { reason: 'alone', chargeIds: ['c1'] } });
    expect(types(observe(batchId, [settled('c2')]))).toContain('BatchConfirmed');
  });

  test('behavior: the time of sending is noted once', () => {
    const batchId = seal('c1');
    propose(batchId);
    const submitted = { batchId, attempt: 1, transactionHash: hash('c') };
    given.feed('AttemptSubmitted', submitted, { atMs: startMs + 100 });
    given.feed('AttemptSubmitted', submitted, { atMs: startMs + 900 });
    expect(given.get<Batch>(`b/${batchId}`)?.attempts[0]?.sentAtMs).toBe(startMs + 100);
  });
});

describe('outcomes', () => {
  test('behavior: each answer ends or returns its charge', () => {
    const batchId = seal('c1', 'c2', 'c3', 'c4', 'c5', 'c6');
    propose(batchId);
    const outputs = observe(batchId, [
      settled('c1'),
      { chargeId: 'c2', answer: 'paid_elsewhere', transactionHash: hash('e') },
      { chargeId: 'c3', answer: 'cancelled' },
      { chargeId: 'c4', answer: 'used_otherwise' },
      { chargeId: 'c5', answer: 'expired_unused' },
      { chargeId: 'c6', answer: 'unused' },
    ]);
    expect(types(outputs)).toEqual([
      'ChargeSettled',
      'ChargeSettled',
      'ChargeUncollectible',
      'ChargeUncollectible',
      'ChargeUncollectible',
      'ChargeReturned',
      'GasSpent',
      'BatchConfirmed',
    ]);
    expect(outputs[1]).toMatchObject({ data: { paidElsewhere: true, transactionHash: hash('e') } });
    expect(outputs[2]).toMatchObject({ data: { batchId, reason: 'cancelled', blockNumber: 42 } });
    expect(outputs.at(-1)).toMatchObject({
      data: { settled: 2, returned: 1, uncollectible: 3, amountSettled: '2000' },
    });
    expect(given.range('c/').map(([key]) => key)).toEqual(['c/c6']);
    expect(given.range('b/')).toEqual([]);
  });

  test('behavior: gas of facilitated charges is their accounts’, also where a call failed', () => {
    const [acme, zeta] = ['facilitator:acme', 'facilitator:zeta'];
    openLane();
    take('c1', { kind: 'facilitated', publisherId: zeta });
    for (const id of ['c2', 'c3']) take(id, { kind: 'facilitated', publisherId: acme });
    take('c4');
    take('c5');
    take('c6');
    const batchId = batchIdOf(take('c7', { sealAtOnce: true }));
    propose(batchId);
    const ids = ['c1', 'c2', 'c4', 'c5', 'c6', 'c7'].map(settled);
    const outputs = observe(batchId, [...ids, { chargeId: 'c3', answer: 'unused' }]);
    expect(outputs.find(({ type }) => type === 'GasSpent')).toMatchObject({
      data: {
        amountWei: '1000',
        charges: 7,
        shares: [
          { account: acme, charges: 2, amountWei: '285' },
          { account: zeta, charges: 1, amountWei: '142' },
        ],
      },
    });
  });

  test('behavior: an observation without all answers, or of another transaction, is none', () => {
    const batchId = seal('c1', 'c2');
    propose(batchId);
    expect(observe(batchId, [settled('c1')])).toEqual([]);
    const other = { ...minedFirst, transactionHash: hash('e') };
    expect(observe(batchId, [settled('c1'), settled('c2')], other)).toEqual([]);
    expect(types(observe(batchId, [settled('c1'), settled('c2')]))).toContain('BatchConfirmed');
    expect(observe(batchId, [settled('c1'), settled('c2')])).toEqual([]);
  });

  test('behavior: a nonce used by a stranger loses the batch; its charges go again', () => {
    const batchId = seal('c1', 'c2');
    propose(batchId);
    const outputs = observe(batchId, [], { by: 'other' });
    expect(types(outputs)).toEqual([
      'ChargeReturned',
      'ChargeReturned',
      'BatchLost',
      'BatchSealed',
      'ChargeInFlight',
      'ChargeInFlight',
    ]);
    expect(outputs[3]).toMatchObject({ data: { chargeIds: ['c1', 'c2'], nonce: 8 } });
  });

  test('behavior: an unfunded charge waits without holding the lane, and goes when ready', () => {
    const batchId = seal('c1');
    propose(batchId);
    observe(batchId, [{ chargeId: 'c1', answer: 'unused' }]);
    expect(given.get<Charge>('c/c1')).toMatchObject({ status: 'held', tries: 1 });
    given.feed('TimePassed', {}, { atMs: startMs + 90_000 });
    expect(given.get<Charge>('c/c1')?.status).toBe('held');
    expect(types(take('c2', { sealAtOnce: true }))).toContain('BatchSealed');
    const outputs = observeWaiting({ ready: ['c1'] });
    expect(outputs[0]).toMatchObject({ data: { chargeIds: ['c1'] } });
  });

  test('behavior: a charge that keeps failing goes on alone', () => {
    openLane();
    let batchId = batchIdOf(take('c1', { sealAtOnce: true }));
    for (const tries of [1, 2]) {
      propose(batchId);
      observe(batchId, [{ chargeId: 'c1', answer: 'unused' }]);
      expect(given.get<Charge>('c/c1')).toMatchObject({ tries, isAlone: false });
      batchId = batchIdOf(observeWaiting({ ready: ['c1'] }));
    }
    propose(batchId);
    observe(batchId, [{ chargeId: 'c1', answer: 'unused' }]);
    expect(observeWaiting({ ready: ['c1'] })[0]).toMatchObject({ data: { reason: 'alone' } });
  });

  test('behavior: a held charge that ended elsewhere passes through "in flight"', () => {
    const batchId = seal('c1', 'c2');
    propose(batchId);
    observe(batchId, [
      { chargeId: 'c1', answer: 'unused' },
      { chargeId: 'c2', answer: 'unused' },
    ]);
    const outputs = observeWaiting({
      answers: [
        { chargeId: 'c1', answer: 'paid_elsewhere', transactionHash: hash('e') },
        { chargeId: 'c2', answer: 'expired_unused' },
      ],
    });
    expect(types(outputs)).toEqual(['ChargeInFlight', 'ChargeSettled', 'ChargeUncollectible']);
    expect(outputs[2]?.data).not.toHaveProperty('batchId');
    expect([...given.range('c/'), ...given.range('h/')]).toEqual([]);
  });

  test('behavior: a charge in line that ended leaves the line', () => {
    take('c1');
    take('c2');
    observeWaiting({ answers: [{ chargeId: 'c1', answer: 'expired_unused' }] });
    openLane();
    const outputs = given.feed('TimePassed', {}, { atMs: startMs + 5_000 });
    expect(outputs[0]).toMatchObject({ data: { chargeIds: ['c2'] } });
  });

  test('behavior: an answer for a charge in flight waits for its batch', () => {
    const batchId = seal('c1');
    expect(observeWaiting({ answers: [{ chargeId: 'c1', answer: 'cancelled' }] })).toEqual([]);
    propose(batchId);
    expect(types(observe(batchId, [settled('c1')]))).toContain('ChargeSettled');
  });
});

type Waiting = Partial<EventOfType<'ChargesObserved'>['data']>;

function observeWaiting(change: Waiting): Out[] {
  return given.feed('ChargesObserved', {
    network,
    blockNumber: 50,
    blockHash: hash('d'),
    blockTimestampS: 1_700_000_000,
    answers: [],
    ready: [],
    ...change,
  });
}

describe('parking', () => {
  test('error: settlement_charge_invalid', () => {
    openLane();
    const outputs = take('c1', { amount: '999' });
    expect(outputs).toMatchObject([
      { type: 'ChargeParked', data: { chargeId: 'c1', code: 'settlement_charge_invalid' } },
    ]);
    // The lane goes on without it.
    expect(types(take('c2', { sealAtOnce: true }))).toEqual(['BatchSealed', 'ChargeInFlight']);
  });

  test('behavior: a released charge that the rules still cannot handle stays parked', () => {
    openLane();
    take('c1', { payTo: from });
    expect(given.feed('ChargeReleased', { chargeId: 'c1', ruleVersion: 1 })).toEqual([]);
    expect(given.get<Charge>('c/c1')?.status).toBe('parked');
    expect(given.feed('ChargeReleased', { chargeId: 'nobody', ruleVersion: 1 })).toEqual([]);
  });
});

test('property: no charge is in two places, money in flight is in a batch, replay is equal', async () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('due' as const), at: fc.boolean(), alone: fc.boolean() }),
    fc.record({ kind: fc.constant('time' as const), ms: fc.nat({ max: 3_000 }) }),
    fc.record({ kind: fc.constant('propose' as const), index: fc.nat({ max: 4 }) }),
    fc.record({
      kind: fc.constant('observe' as const),
      index: fc.nat({ max: 4 }),
      answer: fc.constantFrom('settled', 'unused', 'expired_unused', 'lost'),
    }),
    fc.record({ kind: fc.constant('ready' as const) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const runOnce = async (restarts: boolean) => {
        given = specify(settlementFold);
        openLane();
        const all: Out[] = [];
        let atMs = startMs;
        for (const [number, one] of steps.entries()) {
          if (restarts) await given.restart();
          const batches = given.range<Batch>('b/').map(([, batch]) => batch);
          if (one.kind === 'due') {
            all.push(...take(`c${number}`, { sealAtOnce: one.at, settleAlone: one.alone }));
          } else if (one.kind === 'time') {
            atMs += one.ms;
            all.push(...given.feed('TimePassed', {}, { atMs }));
          } else if (one.kind === 'ready') {
            const held = given.range<string>('h/').map(([, id]) => id);
            all.push(...observeWaiting({ ready: held }));
          } else {
            const batch = batches[one.index];
            if (batch === undefined) continue;
            if (one.kind === 'propose') all.push(...propose(batch.batchId));
            else if (one.answer === 'lost')
              all.push(...observe(batch.batchId, [], { by: 'other' }));
            else {
              const answers = batch.chargeIds.map((chargeId) =>
                one.answer === 'settled'
                  ? settled(chargeId)
                  : { chargeId, answer: one.answer as 'unused' },
              );
              all.push(...observe(batch.batchId, answers));
            }
          }
          check(all);
        }
        return [JSON.stringify(all), await given.bytes()];
      };
      expect(await runOnce(true)).toEqual(await runOnce(false));
    }),
    { numRuns: 150 },
  );
});

/** Who reads it in this process must not see another event than who decodes it. */
function expectAsRead(output: Out): void {
  const trace = undefined;
  const event = eventOf(output, { cause: ['t', 0, 1, 0], nowMs: 1, trace, source: 'settlement' });
  expect(decodeEvent(encodeEvent(event))).toStrictEqual({ kind: 'event', event });
}

/** In flight by the events = in a batch by the state; every charge stands in one place. */
function check(outputs: readonly Out[]): void {
  const inFlight = new Set<string>();
  for (const output of outputs) {
    const { type, data } = output;
    if (handsOver.has(type)) expectAsRead(output);
    if (type === 'ChargeInFlight') {
      expect(inFlight.has(data.chargeId)).toBe(false);
      inFlight.add(data.chargeId);
    }
    if (type === 'ChargeReturned' || type === 'ChargeSettled') {
      expect(inFlight.delete(data.chargeId)).toBe(true);
    }
    if (type === 'ChargeUncollectible') {
      expect(inFlight.delete(data.chargeId)).toBe(data.batchId !== undefined);
    }
  }
  const inBatches = given.range<Batch>('b/').flatMap(([, batch]) => [...batch.chargeIds]);
  expect(new Set(inBatches)).toEqual(inFlight);
  expect(inBatches.length).toBe(inFlight.size);
  const inLine = [...given.range<string>('q/'), ...given.range<string>('a/')].map(([, id]) => id);
  const held = given.range<string>('h/').map(([, id]) => id);
  const placed = [...inBatches, ...inLine, ...held].sort();
  expect(placed).toEqual(
    given
      .range<Charge>('c/')
      .map(
        ([
          ,
          {
            due: { chargeId },
          },
        ]) => chargeId,
      )
      .sort(),
  );
  const nonces = given.range<Batch>('b/').map(([, { nonce }]) => nonce);
  expect(new Set(nonces).size).toBe(nonces.length);
}
