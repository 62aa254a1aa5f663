import { inner } from './bucket-keys.js';
import type { LedgerEntry, LedgerTotal, Moment, TotalOutput } from './output.js';
import type { ProjectionView } from './projection-fold.js';
import type { Tallies, Tally } from './tallies.js';
import type { Sums } from './totals.js';

/** How entries of one partition find their totals. */
export interface LedgerTotals {
  add(view: ProjectionView, entry: LedgerEntry): void;
}

const totalsMax = 10_000;

export function createLedgerTotals(tallies: Tallies): LedgerTotals {
  const byPublisher = new Map<string, Map<string, Map<string, Map<string, Tally>>>>();
  let generation = tallies.generation();
  let count = 0;
  return {
    add(view, entry) {
      if (count > totalsMax || generation !== tallies.generation()) {
        byPublisher.clear();
        generation = tallies.generation();
        count = 0;
      }
      const { publisher, moment, asset, side, amount } = entry;
      const account = accountName(entry.account);
      const last = inner(inner(inner(byPublisher, publisher), moment), account);
      let tally = last.get(asset);
      if (tally === undefined) {
        tally = tallyOf(view, tallies, { publisher, moment, account, asset });
        last.set(asset, tally);
        count += 1;
      }
      tallies.add(view, tally, 0, side === 'debit' ? 0 : 1, amount);
    },
  };
}

/** The name in the chart of accounts, without its owner: `payer_receivable/eip155:…` → the first. */
export function accountName(account: string): string {
  const slash = account.indexOf('/');
  return slash < 0 ? account : account.slice(0, slash);
}

function tallyOf(
  view: ProjectionView,
  tallies: Tallies,
  of: Pick<LedgerTotal, 'publisher' | 'moment' | 'account' | 'asset'>,
): Tally {
  const { publisher, moment, account, asset } = of;
  const key = `l/${encodeURIComponent(publisher)}/${moment}/${account}/${asset}`;
  const found = tallies.find(key);
  if (found !== undefined) return found;
  const told = (key: string, { counts, amounts }: Sums, at: Moment): TotalOutput => {
    const [entries = 0] = counts;
    const [debits = 0n, credits = 0n] = amounts;
    const total = { publisher, moment, account, asset, entries, debits, credits };
    return { table: 'ledger_totals', key, total, at };
  };
  const before = view.get<LedgerTotal>(key) ?? { entries: 0, debits: 0n, credits: 0n };
  const sums = { counts: [before.entries], amounts: [before.debits, before.credits] };
  return tallies.open({ key, endMs: Number.POSITIVE_INFINITY, told }, sums);
}
