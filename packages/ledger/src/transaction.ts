import { fail } from '@paycrawl/errors/paycrawl-error';
import { accountOf, platformOwner } from './account.js';

/** One line of a transaction, in the asset of the transaction, in atomic units. */
export interface Entry {
  readonly account: string;
  readonly side: 'debit' | 'credit';
  readonly amount: bigint;
}

/** The charge that a moment speaks of; `facilitated` ones clear through their API key. */
export interface ChargeParties {
  readonly kind: 'crawl' | 'facilitated';
  readonly payer: string;
  readonly publisherId: string;
}

interface ChargeMoment extends ChargeParties {
  readonly amount: bigint;
}

/** Every moment at which the books move. */
export type Moment =
  | ({ readonly moment: 'charge_posted' } & ChargeMoment)
  | ({ readonly moment: 'charge_in_flight' } & ChargeMoment)
  | ({ readonly moment: 'charge_returned' } & ChargeMoment)
  | ({ readonly moment: 'charge_settled'; readonly from: Outstanding } & ChargeMoment)
  | ({ readonly moment: 'charge_uncollectible'; readonly from: Outstanding } & ChargeMoment)
  /** Delivered and never chargeable: owed and lost in one transaction. */
  | ({ readonly moment: 'loss_posted' } & ChargeMoment)
  | { readonly moment: 'platform_fee'; readonly publisherId: string; readonly amount: bigint }
  | {
      readonly moment: 'gas_spent';
      /** Of the API key that bears it; absent: the platform does. */
      readonly bearer?: string;
      readonly network: string;
      readonly signer: string;
      readonly amount: bigint;
    };

/** Where a charge stood when it ended: in no batch, or in one. */
export type Outstanding = 'payer_receivable' | 'in_flight';

/** The entries of one moment: debits equal credits, by construction and by check. */
export function balancedTransaction(moment: Moment): Entry[] {
  return balanced(entriesOf(moment));
}

function entriesOf(moment: Moment): Entry[] {
  const { amount } = moment;
  switch (moment.moment) {
    case 'charge_posted':
      return transfer(receivable(moment), payable(moment), amount);
    case 'charge_in_flight':
      return transfer(inFlight(moment), receivable(moment), amount);
    case 'charge_returned':
      return transfer(receivable(moment), inFlight(moment), amount);
    case 'charge_settled':
    case 'charge_uncollectible':
      return transfer(payable(moment), outstanding(moment, moment.from), amount);
    case 'loss_posted':
      return [
        ...transfer(receivable(moment), payable(moment), amount),
        ...transfer(payable(moment), receivable(moment), amount),
      ];
    case 'platform_fee':
      return transfer(
        accountOf('publisher_fee_receivable', moment.publisherId),
        accountOf('fee_income', platformOwner),
        amount,
      );
    case 'gas_spent':
      return transfer(
        moment.bearer === undefined
          ? accountOf('gas_expense', moment.network)
          : accountOf('gas_receivable', moment.bearer),
        accountOf('signer_wallet', moment.signer),
        amount,
      );
    default:
      return moment satisfies never;
  }
}

/** Sums of both sides; equal for every transaction and for every ledger. */
export function sumOf(entries: Iterable<Entry>): { debit: bigint; credit: bigint } {
  let debit = 0n;
  let credit = 0n;
  for (const { side, amount } of entries) {
    if (side === 'debit') debit += amount;
    else credit += amount;
  }
  return { debit, credit };
}

/** Returns the entries, or fails with `ledger_unbalanced` or `ledger_amount_negative`. */
export function balanced<Entries extends readonly Entry[]>(entries: Entries): Entries {
  for (const { amount } of entries) {
    if (amount < 0n) throw fail('ledger_amount_negative', 'an entry has a side instead of a sign');
  }
  const { debit, credit } = sumOf(entries);
  if (debit !== credit || entries.length < 2) {
    throw fail('ledger_unbalanced', `debits ${debit}, credits ${credit}`);
  }
  return entries;
}

function transfer(debited: string, credited: string, amount: bigint): Entry[] {
  return [
    { account: debited, side: 'debit', amount },
    { account: credited, side: 'credit', amount },
  ];
}

function receivable({ payer }: ChargeParties): string {
  return accountOf('payer_receivable', payer);
}

function payable({ kind, publisherId }: ChargeParties): string {
  return accountOf(kind === 'facilitated' ? 'clearing' : 'publisher_payable', publisherId);
}

function inFlight({ publisherId }: ChargeParties): string {
  return accountOf('in_flight', publisherId);
}

function outstanding(parties: ChargeParties, from: Outstanding): string {
  return from === 'in_flight' ? inFlight(parties) : receivable(parties);
}
