import type { LogRecord } from '@paycrawl/event-log/event-log';
import type { EventOfType, EventType } from '@paycrawl/events/event';
import { setGeneration } from '@paycrawl/events/topics';
import { describe, expect, it } from 'vitest';
import { auditLog } from './audit-log.js';
import type { Rule } from './finding.js';
import {
  accept,
  account,
  chargeOf,
  crawl,
  createPlatformLog,
  decide,
  deliver,
  facilitatedFrom,
  meter,
  network,
  observe,
  type PlatformLog,
  post,
  prove,
  release,
  seal,
  settle,
  settledOf,
  soundLog,
  spendGas,
} from './platform-log.given.js';

async function rulesBroken(log: PlatformLog, done = {}): Promise<Rule[]> {
  const { findings } = await auditLog([log.records(done)], log.topics['dead-letters']);
  return [...new Set(findings.map(({ rule }) => rule))].sort();
}

function facilitatedLog(shares: EventOfType<'GasSpent'>['data']['shares']): PlatformLog {
  const log = soundLog();
  const payment = prove(log, facilitatedFrom);
  accept(log, payment, facilitatedFrom);
  post(log, payment, facilitatedFrom);
  spendGas(log, [3, 4, facilitatedFrom], shares);
  return log;
}

type Topic = keyof PlatformLog['topics'];

function find(log: PlatformLog, topic: Topic, type: EventType, nth = 0): number {
  const at = log.topics[topic].flatMap(({ value }, index) =>
    value.toString().startsWith(`{"type":"${type}.v1"`) ? [index] : [],
  );
  return at[nth] ?? -1;
}

/** The log without one record; offsets of the others stay. */
function without(topic: Topic, type: EventType, nth = 0) {
  return (log: PlatformLog) => void log.topics[topic].splice(find(log, topic, type, nth), 1);
}

function bent(topic: Topic, type: EventType, search: string | RegExp, replacement: string) {
  return (log: PlatformLog) => {
    const at = find(log, topic, type);
    const record = log.topics[topic][at] as LogRecord;
    const text = record.value.toString();
    expect(text).toMatch(search);
    const value = Buffer.from(text.replace(search, replacement));
    log.topics[topic][at] = { ...record, value };
  };
}

function again(log: PlatformLog, topic: Topic, record: LogRecord | undefined): void {
  if (record === undefined) return;
  log.topics[topic].push({ ...record, offset: (log.topics[topic].at(-1)?.offset ?? 0) + 1 });
}

describe('a sound log', () => {
  it('behavior: nothing is found, and everything is counted', async () => {
    const log = soundLog();
    const { findings, counts, sums, balances } = await auditLog([log.records()], []);
    expect(findings).toEqual([]);
    expect(counts).toMatchObject({
      charged: 5,
      settled: 1,
      uncollectible: 1,
      unsettled: 3,
      openHolds: 1,
      unfolded: 0,
    });
    expect([...sums.values()]).toEqual([
      { authorized: 6000n, held: 6000n, charged: 5000n, settled: 1000n },
    ]);
    const payable = [...balances].find(([account]) => account.endsWith('publisher_payable/news'));
    expect(payable?.[1]).toBe(3000n);
  });

  it('behavior: what waits for its fold is counted, the ticks of its clock are not', async () => {
    const log = soundLog();
    const end = log.topics.payments.length;
    prove(log, 99);
    log.write('payments', 'TimePassed', {});
    const { findings, counts } = await auditLog([log.records({ payments: end })], []);
    expect(findings).toEqual([]);
    expect(counts.unfolded).toBe(1);
  });

  it('behavior: gas of an API key’s charges is its account’s, the rest the platform’s', async () => {
    const log = facilitatedLog([{ account, charges: 1, amountWei: '333' }]);
    const { findings, balances } = await auditLog([log.records()], []);
    expect(findings).toEqual([]);
    const gas = [...balances].filter(([key]) => key.includes('/native/gas_'));
    expect(gas).toEqual([
      [`${network}/native/gas_expense/${network}`, 667n],
      [`${network}/native/gas_receivable/${account}`, 333n],
    ]);
  });

  it.each<[string, EventOfType<'GasSpent'>['data']['shares']]>([
    ['for nobody', []],
    ['rounded up', [{ account, charges: 1, amountWei: '334' }]],
    ['of a stranger', [{ account: 'facilitator:zeta', charges: 1, amountWei: '333' }]],
  ])('error: gas_shares_differ (%s)', async (_name, shares) => {
    expect(await rulesBroken(facilitatedLog(shares))).toEqual(['gas_shares_differ']);
  });

  it('behavior: repetitions by a second owner are no finding, wherever they stand', async () => {
    const log = soundLog();
    for (const topic of ['payments', 'decisions', 'ledger', 'charges', 'settlements'] as const) {
      const caused = log.topics[topic].filter(({ value }) => value.includes('"cause"'));
      for (const record of caused) again(log, topic, record);
    }
    expect(await rulesBroken(log)).toEqual([]);
  });

  it('behavior: what the folds have not finished with is not judged', async () => {
    const log = soundLog();
    const cut = log.topics.decisions.length;
    const payments = log.topics.payments.length;
    crawl(log, 7);
    log.topics.decisions.length = cut + 1;
    log.topics.ledger.pop();
    log.topics.charges.pop();
    expect(await rulesBroken(log)).not.toEqual([]);
    expect(await rulesBroken(log, { payments, decisions: cut })).toEqual([]);
  });

  it('behavior: bytes that were set aside as a dead letter are counted, not found', async () => {
    const log = soundLog();
    const offset = log.write('payments', 'TimePassed', {});
    const record = log.topics.payments[offset] as LogRecord;
    log.topics.payments[offset] = { ...record, value: Buffer.from('torn') };
    expect(await rulesBroken(log)).toEqual(['record_unreadable']);
    expect(await rulesBroken(log, { payments: offset })).toEqual([]);
    log.write(
      'dead-letters',
      'RecordDeadLettered',
      {
        ...{ consumer: 'verifier', code: 'record_unreadable', detail: '', key: '' },
        ...{ topic: 'payments.1', partition: 0, offset, valueBase64: '' },
      },
      { topic: 'payments', offset, source: 'verifier' },
    );
    expect(await rulesBroken(log)).toEqual([]);
  });

  it('behavior: an outcome that came too late is set aside and told, and nothing is missing', async () => {
    const log = soundLog();
    const payer = 'eip155:84532:0x0000000000000000000000000000000000000001';
    const facts = { chargeId: 'forgotten', payer, requestId: 'r', leaseId: 'forgotten:1' };
    const offset = log.write('payments', 'DeliveryStarted', facts);
    const because = { topic: 'payments', offset, source: 'verifier' } as const;
    const ignored = { recordType: 'DeliveryStarted', offset, reason: 'nonce_forgotten' };
    log.write('decisions', 'RecordIgnored', { payer, ...ignored }, because);
    log.write(
      'dead-letters',
      'RecordDeadLettered',
      {
        ...{ consumer: 'verifier', code: 'nonce_forgotten', detail: '', key: '' },
        ...{ topic: 'payments.1', partition: 0, offset, valueBase64: '' },
      },
      because,
    );
    expect(await rulesBroken(log)).toEqual([]);
  });
});

describe('a planted mistake is found', () => {
  it.each<[string, Rule[], (log: PlatformLog) => void]>([
    ['no delivery', ['delivery_missing'], without('payments', 'CrawlDelivered')],
    ['no proof', ['proof_missing', 'sums_out_of_order'], without('payments', 'ProofReceived', 2)],
    [
      'no acceptance',
      ['delivery_not_ended', 'hold_missing'],
      without('decisions', 'PaymentAccepted', 3),
    ],
    [
      'a charge that was lost',
      ['delivery_not_ended', 'due_differs', 'ledger_extra'],
      without('decisions', 'ChargePosted', 3),
    ],
    [
      'another amount than held',
      ['charge_differs', 'due_differs', 'ledger_differs'],
      bent('decisions', 'ChargePosted', '"amount":"1000"', '"amount":"900"'),
    ],
    [
      'more charged than held',
      ['charge_differs', 'due_differs', 'ledger_differs', 'sums_out_of_order'],
      bent('decisions', 'ChargePosted', '"amount":"1000"', '"amount":"9000"'),
    ],
    [
      'the id of another authorization',
      ['charge_id_wrong', 'due_differs'],
      bent('decisions', 'ChargePosted', /"nonce":"0x0/, '"nonce":"0xf'),
    ],
    [
      'a nonce that was charged twice, under two ids',
      ['charge_id_wrong', 'charged_twice', 'due_differs'],
      bent('decisions', 'ChargePosted', `${'0'.repeat(63)}1"`, `${'0'.repeat(63)}2"`),
    ],
    [
      'a second charge of one delivery',
      ['charged_twice', 'due_twice', 'obligations_exceed_balance'],
      (log) => {
        observe(log, '0', 30);
        post(log, deliver(log, 4), 4);
        accept(log, prove(log, 4), 4);
      },
    ],
    ['a hold that was opened twice', ['held_twice'], (log) => void accept(log, prove(log, 6), 6)],
    ['a release of nothing', ['hold_missing'], (log) => release(log, 1)],
    [
      'a hold that never ends',
      ['hold_not_ended'],
      (log) => {
        log.nowMs = 2_000_001;
        for (let n = 0; n < 2; n++) log.write('payments', 'TimePassed', {});
      },
    ],
    [
      'more owed than was observed',
      ['obligations_exceed_balance'],
      (log) => accept(log, prove(log, 9, '5001'), 9, '5001') as unknown as undefined,
    ],
    [
      'an acceptance without any observation',
      ['obligations_exceed_balance'],
      without('payments', 'FundsObserved'),
    ],
    [
      'no relay to the decisions',
      ['ledger_extra', 'relay_missing'],
      without('decisions', 'ChargeInFlight', 2),
    ],
    [
      'a relay that says otherwise',
      ['relay_missing'],
      bent('decisions', 'ChargeSettled', ':20', ':19'),
    ],
    ['settled twice', ['ledger_differs', 'settled_twice'], (log) => settle(log, 1)],
    ['two batches at once', ['charge_out_of_order'], (log) => seal(log, [3], 'b2')],
    [
      'settled without a charge',
      ['charge_out_of_order', 'ledger_differs'],
      (log) => settle(log, 77),
    ],
    ['settled in a batch without it', ['batch_unknown'], (log) => settle(log, 3, 'b9')],
    [
      'settled from a batch that was never sealed',
      ['batch_unknown', 'output_missing'],
      (log) => {
        const at = find(log, 'settlements', 'BatchSealed');
        log.topics.settlements.splice(at, 1);
      },
    ],
    [
      'no entry in the ledger',
      ['ledger_missing', 'output_missing'],
      without('ledger', 'LedgerPosted'),
    ],
    [
      'another amount in the ledger',
      ['ledger_differs'],
      bent('ledger', 'LedgerPosted', /"amount":"1000"/g as unknown as string, '"amount":"1"'),
    ],
    [
      'debits that are not credits',
      ['ledger_differs', 'ledger_unbalanced'],
      bent('ledger', 'LedgerPosted', '"amount":"1000"', '"amount":"1001"'),
    ],
    [
      'an entry without a decision',
      ['ledger_extra'],
      (log) =>
        void meter(log, find(log, 'decisions', 'PaymentAccepted', 6), {
          ...{ moment: 'charge_posted', kind: 'crawl', payer: 'p', publisherId: 'x', amount: 1n },
        }),
    ],
    [
      'an account that pays more than it has',
      ['account_below_zero', 'ledger_extra'],
      (log) =>
        void meter(log, find(log, 'decisions', 'PaymentAccepted', 6), {
          ...{ moment: 'charge_returned', kind: 'crawl', payer: 'p', publisherId: 'x', amount: 1n },
        }),
    ],
    ['a charge that is never due', ['due_missing'], without('charges', 'ChargeDue', 3)],
    [
      'a charge that is due otherwise',
      ['due_differs'],
      bent('charges', 'ChargeDue', '"amount":"1000"', '"amount":"1"'),
    ],
    [
      'an output that cannot be read',
      ['batch_unknown', 'output_missing', 'record_unreadable'],
      bent('settlements', 'BatchSealed', /^\{/, ''),
    ],
    [
      'a repetition with other bytes',
      ['outputs_differ'],
      (log) => {
        const record = log.topics.ledger[0] as LogRecord;
        const value = Buffer.from(record.value.toString().replace('news', 'olds'));
        again(log, 'ledger', { ...record, value });
      },
    ],
    [
      'an output that comes after its successors',
      ['ledger_missing', 'output_lost', 'output_missing'],
      (log) => {
        const [late] = log.topics.ledger.splice(1, 1);
        again(log, 'ledger', late);
      },
    ],
  ])('behavior: %s', async (_name, expected, plant) => {
    const log = soundLog();
    plant(log);
    expect(await rulesBroken(log)).toEqual(expected);
  });

  it('behavior: findings name the charge', async () => {
    const log = soundLog();
    without('payments', 'CrawlDelivered')(log);
    const { findings } = await auditLog([log.records()], []);
    expect(findings).toMatchObject([{ rule: 'delivery_missing', id: chargeOf(1).chargeId }]);
  });

  it('behavior: a nonce is one over all partitions', async () => {
    const [one, two] = [createPlatformLog(), createPlatformLog()];
    for (const log of [one, two]) {
      observe(log, '9999', 1);
      crawl(log, 1);
    }
    const other = { ...two.records(), partition: 1 };
    const { findings } = await auditLog([one.records(), other], []);
    expect(findings).toMatchObject([{ rule: 'charged_twice' }]);
  });
});

describe('money that moves', () => {
  it('behavior: an obligation leaves at an observation at or after its block', async () => {
    const log = createPlatformLog();
    observe(log, '1000', 10);
    crawl(log, 1);
    seal(log, [1]);
    settle(log, 1);
    // Settled in block 20; the balance of block 19 still holds the money that is gone.
    observe(log, '1000', 19);
    accept(log, prove(log, 2), 2);
    expect(await rulesBroken(log)).toEqual(['obligations_exceed_balance']);
    const later = createPlatformLog();
    observe(later, '1000', 10);
    crawl(later, 1);
    seal(later, [1]);
    settle(later, 1);
    observe(later, '1000', 20);
    accept(later, prove(later, 2), 2);
    expect(await rulesBroken(later)).toEqual([]);
  });

  it('behavior: paid elsewhere needs no batch', async () => {
    const log = createPlatformLog();
    observe(log, '1000', 10);
    crawl(log, 1);
    const data = { ...settledOf(1), paidElsewhere: true };
    const charge = log.write('charges', 'SignerUnfrozen', {
      signer: settledOf(1).asset,
      reason: '',
    });
    const cause = { topic: 'charges', offset: charge, source: 'settlement' } as const;
    const payment = log.write('payments', 'ChargeSettled', data, cause);
    const decision = decide(log, payment, 'ChargeSettled', data);
    const { payer, publisherId } = data;
    meter(log, decision, {
      ...{ moment: 'charge_settled', from: 'payer_receivable', kind: 'crawl', payer, publisherId },
      amount: 1000n,
    });
    expect(await rulesBroken(log)).toEqual([]);
  });
});

describe('generations', () => {
  /** A payer who is charged, held and delivered to in one, and settled in the next. */
  function grown(): [PlatformLog, PlatformLog] {
    const first = createPlatformLog();
    observe(first, '10000', 10);
    crawl(first, 1);
    accept(first, prove(first, 2), 2);
    first.write('payments', 'PartitionClosed', { generation: 1 });
    // Of an ingress that did not know yet: it decides nothing, and is told again below.
    deliver(first, 2);
    observe(first, '0', 11);
    setGeneration(2);
    try {
      const second = createPlatformLog();
      post(second, deliver(second, 2), 2);
      seal(second, [1, 2], 'b2');
      settle(second, 1, 'b2');
      settle(second, 2, 'b2');
      return [first, second];
    } finally {
      setGeneration(1);
    }
  }

  async function rulesOf([first, second]: [PlatformLog, PlatformLog], isGrown: boolean) {
    const { findings, counts } = await auditLog(
      [
        { ...first.records(), isGrown },
        { ...second.records(), generation: 2, isGrown },
      ],
      [],
    );
    return { rules: [...new Set(findings.map(({ rule }) => rule))], counts };
  }

  it('behavior: what began in one goes on in the next', async () => {
    const { rules, counts } = await rulesOf(grown(), true);
    expect(rules).toEqual([]);
    expect(counts).toMatchObject({ charged: 2, settled: 2, openHolds: 0 });
    expect((await rulesOf(grown(), false)).rules).toContain('hold_missing');
  });

  it('behavior: a charge in both is charged twice', async () => {
    const both = grown();
    setGeneration(2);
    accept(both[1], prove(both[1], 1), 1);
    post(both[1], deliver(both[1], 1), 1);
    setGeneration(1);
    expect((await rulesOf(both, true)).rules).toContain('charged_twice');
  });
});
