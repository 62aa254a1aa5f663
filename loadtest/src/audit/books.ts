import type { DecisionEvent, EventOfType, LedgerEvent } from '@paycrawl/events/event';
import { normalSideOf, purposeOf } from '@paycrawl/ledger/account';
import {
  balancedTransaction,
  type Moment,
  type Outstanding,
  sumOf,
} from '@paycrawl/ledger/transaction';
import { basisPointsRoundingDown } from '@paycrawl/money/money';
import type { Report } from './finding.js';
import type { Seen } from './history.js';

/** Balances by `network/asset/account`, positive on the normal side of the account. */
export type Balances = Map<string, bigint>;

/** A transaction as one line of text: what is compared. */
type Line = string;

/** Recomputes every transaction from the decisions, and compares it with what the ledger holds. */
export function auditBooks(
  decisions: readonly Seen[],
  ledger: readonly Seen[],
  books: Books,
  report: Report,
): Balances {
  const expected = expectedLines(books, decisions);
  const balances: Balances = new Map();
  for (const { event } of ledger) {
    const posted = event as LedgerEvent;
    const cause = posted.cause?.[2] ?? -1;
    const lines = expected.get(cause) ?? [];
    const line = lineOf(posted.data);
    const at = lines.indexOf(line);
    if (at >= 0) lines.splice(at, 1);
    else if (lines.length > 0) {
      report('ledger_differs', posted.id, `posted ${line}, expected ${lines.shift()}`);
    } else report('ledger_extra', posted.id, line);
    addTo(balances, posted, report);
  }
  for (const [offset, lines] of expected) {
    for (const line of lines) report('ledger_missing', `decisions offset ${offset}`, line);
  }
  return balances;
}

export function checkBalances(balances: Balances, report: Report): void {
  for (const [account, balance] of balances) {
    if (balance < 0n) report('account_below_zero', account, `${balance}`);
  }
}

function addTo(balances: Balances, { id, data }: LedgerEvent, report: Report): void {
  const entries = data.entries.map((entry) => ({ ...entry, amount: BigInt(entry.amount) }));
  const { debit, credit } = sumOf(entries);
  if (debit !== credit) report('ledger_unbalanced', id, `debits ${debit}, credits ${credit}`);
  for (const { account, side, amount } of entries) {
    const key = `${data.network}/${data.asset}/${account}`;
    const grows = side === normalSideOf(purposeOf(account));
    balances.set(key, (balances.get(key) ?? 0n) + (grows ? amount : -amount));
  }
}

function lineOf({ moment, network, asset, entries }: LedgerEvent['data']): Line {
  const text = entries.map(({ account, side, amount }) => `${side} ${account} ${amount}`);
  return [moment, network, asset, ...text].join(' | ');
}

/** What the lines of one partition depend on beside the decision itself. */
export interface Books {
  readonly standing: Map<string, Outstanding>;
  feeBps: number;
  feeVersion: number;
}

function expectedLines(books: Books, decisions: readonly Seen[]): Map<number, Line[]> {
  const expected = new Map<number, Line[]>();
  for (const { event, offset } of decisions) {
    const lines = linesOf(books, event as DecisionEvent);
    if (lines.length > 0) expected.set(offset, lines);
  }
  return expected;
}

function linesOf(books: Books, event: DecisionEvent): Line[] {
  switch (event.type) {
    case 'ChargePosted':
      books.standing.set(event.data.chargeId, 'payer_receivable');
      return [chargeLine('charge_posted', event.data)];
    case 'LossPosted':
      return [chargeLine('loss_posted', event.data)];
    case 'ChargeInFlight':
      books.standing.set(event.data.chargeId, 'in_flight');
      return [chargeLine('charge_in_flight', event.data)];
    case 'ChargeReturned':
      books.standing.set(event.data.chargeId, 'payer_receivable');
      return [chargeLine('charge_returned', event.data)];
    case 'ChargeSettled':
      return [endLine(books, 'charge_settled', event.data), ...feeLines(books, event.data)];
    case 'ChargeUncollectible':
      return [endLine(books, 'charge_uncollectible', event.data)];
    case 'GasSpent':
      return gasLines(event.data);
    case 'PlatformFeeChanged':
      return changeFee(books, event.data);
    default:
      return [];
  }
}

type ChargeData = Pick<
  EventOfType<'ChargeInFlight'>['data'],
  'chargeId' | 'kind' | 'payer' | 'publisherId' | 'network' | 'asset' | 'amount'
>;

function textOf(moment: Moment, network: string, asset: string): Line {
  const entries = balancedTransaction(moment).map((entry) => ({
    ...entry,
    amount: entry.amount.toString(),
  }));
  return lineOf({ moment: moment.moment, network, asset: asset as 'native', entries });
}

function chargeLine(
  moment: 'charge_posted' | 'loss_posted' | 'charge_in_flight' | 'charge_returned',
  { kind, payer, publisherId, network, asset, amount }: ChargeData,
): Line {
  return textOf({ moment, kind, payer, publisherId, amount: BigInt(amount) }, network, asset);
}

function endLine(
  books: Books,
  moment: 'charge_settled' | 'charge_uncollectible',
  data: ChargeData,
): Line {
  const { chargeId, kind, payer, publisherId, network, asset } = data;
  const from = books.standing.get(chargeId) ?? 'payer_receivable';
  books.standing.delete(chargeId);
  const amount = BigInt(data.amount);
  return textOf({ moment, from, kind, payer, publisherId, amount }, network, asset);
}

function feeLines(books: Books, data: EventOfType<'ChargeSettled'>['data']): Line[] {
  const amount = basisPointsRoundingDown(BigInt(data.amount), BigInt(books.feeBps));
  if (amount === 0n || data.kind === 'facilitated') return [];
  const { publisherId, network, asset } = data;
  return [textOf({ moment: 'platform_fee', publisherId, amount }, network, asset)];
}

function gasLines({ network, signer, ...spent }: EventOfType<'GasSpent'>['data']): Line[] {
  const shares = spent.shares.map((share) => ({ ...share, amount: BigInt(share.amountWei) }));
  const borne = shares.reduce((sum, { amount }) => sum + amount, 0n);
  const gas = { moment: 'gas_spent', network, signer } as const;
  const moments: Moment[] = [
    { ...gas, amount: BigInt(spent.amountWei) - borne },
    ...shares.map(({ account, amount }) => ({ ...gas, bearer: account, amount })),
  ];
  return moments
    .filter(({ amount }) => amount > 0n)
    .map((moment) => textOf(moment, network, 'native'));
}

function changeFee(books: Books, data: EventOfType<'PlatformFeeChanged'>['data']): Line[] {
  if (data.version === books.feeVersion + 1) {
    books.feeVersion = data.version;
    books.feeBps = data.feeBps;
  }
  return [];
}
