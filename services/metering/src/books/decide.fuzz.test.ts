import { decodeEvent, encodeEvent, type LedgerEvent } from '@paycrawl/events/event';
import type { LogOutput } from '@paycrawl/fold/fold';
import { eventOf } from '@paycrawl/fold/log-sink';
import { type Specification, specify } from '@paycrawl/fold/specification';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chargePosted, charges, settled } from './decide.given.js';
import { handsOver, meteringFold } from './decide.js';
import { type AccountTotals, accountTotals, sumPrefix } from './state.js';

/** What may happen to a charge next, in words; `end` leaves it. */
type Step =
  | 'seal'
  | 'return'
  | 'settle'
  | 'paid_elsewhere'
  | 'lose'
  | 'loss'
  | 'release'
  | 'gas'
  | 'fee';

interface Charge {
  readonly n: number;
  readonly amount: string;
  readonly publisherId: string;
  at: 'due' | 'in_flight' | 'ended';
}

const publishers = ['news', 'a/b', 'ü'];
const decisions = fc.array(
  fc.record({
    step: fc.constantFrom<Step | 'post'>(
      'post',
      'post',
      'post',
      'seal',
      'return',
      'settle',
      'paid_elsewhere',
      'lose',
      'loss',
      'release',
      'gas',
      'fee',
    ),
    which: fc.nat(),
    amount: fc.bigInt({ min: 0n, max: 2n ** 200n }).map(String),
    publisher: fc.constantFrom(...publishers),
    restarts: fc.boolean(),
  }),
  { maxLength: 60 },
);

function feed(
  books: Specification<LogOutput>,
  open: Charge[],
  { step, which, amount, publisher }: { step: string; which: number } & Record<string, unknown>,
  n: number,
): LogOutput[] {
  const args = [n, amount as string, publisher as string] as const;
  if (step === 'post') {
    open.push({ n, amount: args[1], publisherId: args[2], at: 'due' });
    return books.feed('ChargePosted', chargePosted(...args));
  }
  if (step === 'loss') return books.feed('LossPosted', charges.loss(...args));
  if (step === 'release') return books.feed('HoldReleased', charges.released(n));
  if (step === 'gas') {
    const amountWei = (BigInt(args[1]) / BigInt(1 + (which % 3))).toString();
    const shares = [{ account: `facilitator:${args[2]}`, charges: 1, amountWei }];
    return books.feed('GasSpent', charges.gas(args[1], shares));
  }
  if (step === 'fee') {
    return books.feed('PlatformFeeChanged', { version: 1 + (which % 3), feeBps: which % 10_001 });
  }
  const charge = open[which % Math.max(1, open.length)];
  if (charge === undefined || charge.at === 'ended') return [];
  const of = [charge.n, charge.amount, charge.publisherId] as const;
  if (step === 'seal' && charge.at === 'due') {
    charge.at = 'in_flight';
    return books.feed('ChargeInFlight', charges.inFlight(...of));
  }
  if (step === 'return' && charge.at === 'in_flight') {
    charge.at = 'due';
    return books.feed('ChargeReturned', charges.returned(...of));
  }
  if (step === 'settle' || step === 'paid_elsewhere') {
    charge.at = 'ended';
    return books.feed('ChargeSettled', settled(...of));
  }
  if (step === 'lose') {
    charge.at = 'ended';
    return books.feed('ChargeUncollectible', charges.uncollectible(...of));
  }
  return [];
}

function addTo(totals: Map<string, AccountTotals>, outputs: readonly LogOutput[]): void {
  for (const output of outputs) {
    if (output.type !== 'LedgerPosted') continue;
    const { network, asset, entries } = output.data as LedgerEvent['data'];
    let balance = 0n;
    for (const { account, side, amount } of entries) {
      const key = `${network}/${asset}/${account}`;
      const before = totals.get(key) ?? { debit: 0n, credit: 0n };
      totals.set(key, { ...before, [side]: before[side] + BigInt(amount) });
      balance += side === 'debit' ? BigInt(amount) : -BigInt(amount);
    }
    expect(balance).toBe(0n);
  }
}

/** Who reads it in this process must not see another event than who decodes it. */
function expectAsRead(output: LogOutput): void {
  const trace = undefined;
  const event = eventOf(output, { cause: ['t', 0, 1, 0], nowMs: 1, trace, source: 'metering' });
  expect(decodeEvent(encodeEvent(event))).toStrictEqual({ kind: 'event', event });
}

describe('the books', () => {
  it('property: an event that is handed over is what decoding it gives', async () => {
    const handed = new Set<string>();
    await fc.assert(
      fc.property(decisions, (steps) => {
        const books = specify(meteringFold);
        const open: Charge[] = [];
        for (const [n, step] of steps.entries()) {
          for (const output of feed(books, open, step, n)) {
            if (!handsOver.has(output.type)) continue;
            handed.add(output.type);
            expectAsRead(output);
          }
        }
      }),
    );
    expect(handed).toEqual(handsOver);
  });

  it('property: any decisions keep debits = credits, and totals = sum of the entries', async () => {
    await fc.assert(
      fc.asyncProperty(decisions, async (steps) => {
        const books = specify(meteringFold);
        const open: Charge[] = [];
        const totals = new Map<string, AccountTotals>();
        for (const [n, step] of steps.entries()) {
          addTo(totals, feed(books, open, step, n));
          if (step.restarts) await books.restart();
          for (const [, { debit, credit }] of books.range<AccountTotals>(sumPrefix)) {
            expect(debit).toBe(credit);
          }
        }
        const kept = accountTotals({ nowMs: 0, get: books.get, range: books.range });
        expect(Object.fromEntries(kept)).toEqual(Object.fromEntries(totals));
        const stillOpen = open.filter(({ at }) => at !== 'ended').map(({ n }) => `open/c${n}`);
        expect(books.range('open/').map(([key]) => key)).toEqual(stillOpen.sort());
      }),
    );
  });

  it('property: restarts leave no mark in the state', async () => {
    await fc.assert(
      fc.asyncProperty(decisions, async (steps) => {
        const [still, restarted] = [specify(meteringFold), specify(meteringFold)];
        const [a, b]: [Charge[], Charge[]] = [[], []];
        for (const [n, step] of steps.entries()) {
          const outputs = feed(still, a, step, n);
          expect(feed(restarted, b, step, n)).toEqual(outputs);
          if (step.restarts) await restarted.restart();
        }
        expect(await restarted.bytes()).toBe(await still.bytes());
      }),
    );
  });
});
