import type { Static } from '@sinclair/typebox';
import { type Measure, moneyMeasures } from '../projection/totals.js';
import { isPayable } from '../read/balance.js';
import type { ReconciliationCheck } from '../routes/api-types.js';

export type Check = Static<typeof ReconciliationCheck>;

/** Everything that is compared, per asset; amounts in atomic units. */
export interface Figures {
  readonly log: readonly Sum[];
  readonly facts: readonly Sum[];
  readonly hours: readonly Sum[];
  readonly pathDays: readonly Sum[];
  readonly pathMonths: readonly Sum[];
  readonly ledger: readonly LedgerSum[];
  readonly entries: readonly EntrySum[];
  /** Undefined: no chain to ask, or not every settlement transaction was read yet. */
  readonly chain: readonly ChainSum[] | undefined;
}

export interface Sum {
  readonly measure: Measure;
  readonly asset: string;
  readonly events: bigint;
  readonly amount: bigint;
}

export interface LedgerSum {
  readonly moment: string;
  readonly account: string;
  readonly asset: string;
  readonly debits: bigint;
  readonly credits: bigint;
}

export interface EntrySum {
  readonly asset: string;
  readonly debits: bigint;
  readonly credits: bigint;
}

export interface ChainSum {
  readonly asset: string;
  readonly amount: bigint;
}

/** log = ledger = ClickHouse = chain, one equation a line. */
export function checksOf(figures: Figures): Check[] {
  return [
    ...ledgerChecks(figures),
    ...balanceChecks(figures),
    ...warehouseChecks(figures, 'facts', 'facts in ClickHouse'),
    ...warehouseChecks(figures, 'hours', 'hourly roll-ups in ClickHouse'),
    ...warehouseChecks(figures, 'pathDays', 'path and day roll-ups in ClickHouse'),
    ...warehouseChecks(figures, 'pathMonths', 'path and month roll-ups in ClickHouse'),
    ...chainChecks(figures),
  ];
}

/** Which measures of the log must stand in the ledger, on which side, at which moments. */
const ledgerEquations = [
  {
    name: 'charged',
    measures: ['charged', 'lost'],
    side: 'credits',
    moments: ['charge_posted', 'loss_posted'],
  },
  { name: 'settled', measures: ['settled'], side: 'debits', moments: ['charge_settled'] },
  {
    name: 'uncollectible',
    measures: ['uncollectible', 'lost'],
    side: 'debits',
    moments: ['charge_uncollectible', 'loss_posted'],
  },
] as const;

function ledgerChecks({ log, ledger }: Figures): Check[] {
  return ledgerEquations.flatMap(({ name, measures, side, moments }) => {
    const left = sumsByAsset(
      log.filter(({ measure }) => (measures as readonly string[]).includes(measure)),
      ({ amount }) => amount,
    );
    const posted = ledger.filter(
      ({ account, moment }) =>
        isPayable(account) && (moments as readonly string[]).includes(moment),
    );
    const right = sumsByAsset(posted, (sum) => sum[side]);
    return compare(`${name}_log_ledger`, `${name}: log = ledger`, {
      left: ['decisions in the log', left],
      right: ['ledger', right],
    });
  });
}

function balanceChecks({ ledger, entries }: Figures): Check[] {
  const debits = sumsByAsset(ledger, (sum) => sum.debits);
  const credits = sumsByAsset(ledger, (sum) => sum.credits);
  const stored = sumsByAsset(entries, (sum) => sum.debits);
  return [
    ...compare('ledger_debits_credits', 'Σ debits = Σ credits', {
      left: ['debits', debits],
      right: ['credits', credits],
    }),
    ...compare('ledger_totals_entries', 'ledger totals = ledger entries in ClickHouse', {
      left: ['totals of the fold', debits],
      right: ['entries in ClickHouse', stored],
    }),
  ];
}

/** Their facts go after a time (`applyRetention`); roll-ups answer for them. */
export const retainedMeasures: readonly Measure[] = ['challenged', 'refused'];

export function isKept({ measure }: Pick<Sum, 'measure'>): boolean {
  return !retainedMeasures.includes(measure);
}

const tableOf = {
  facts: 'facts',
  hours: 'rollup_hour',
  pathDays: 'rollup_path_day',
  pathMonths: 'rollup_path_month',
} as const;

function warehouseChecks(figures: Figures, side: keyof typeof tableOf, name: string): Check[] {
  const events = (sums: readonly Sum[]) =>
    new Map([['', sums.reduce((all, sum) => all + sum.events, 0n)]]);
  const money = (sums: readonly Sum[]) =>
    sumsByAsset(
      sums.filter(
        ({ measure, asset }) =>
          asset !== '' && (moneyMeasures as readonly string[]).includes(measure),
      ),
      ({ amount }) => amount,
    );
  const log = side === 'facts' ? figures.log.filter(isKept) : figures.log;
  const key = tableOf[side];
  return [
    ...compare(`events_log_${key}`, `events: log = ${name}`, {
      left: ['events in the log', events(log)],
      right: [name, events(figures[side])],
    }),
    ...compare(`amounts_log_${key}`, `amounts: log = ${name}`, {
      left: ['amounts in the log', money(log)],
      right: [name, money(figures[side])],
    }),
  ];
}

function chainChecks({ log, chain }: Figures): Check[] {
  const settled = sumsByAsset(
    log.filter(({ measure }) => measure === 'settled'),
    ({ amount }) => amount,
  );
  const title = 'settled: log = transfers on chain';
  if (chain === undefined) {
    return [...settled].map(([asset, amount]) => ({
      ...{ name: 'settled_log_chain', title, asset },
      left: { name: 'settled in the log', value: `${amount}` },
      right: { name: 'transfers on chain', value: null },
      difference: null,
      outcome: 'unknown',
      detail: 'Not every settlement transaction was read from the chain yet.',
    }));
  }
  return compare('settled_log_chain', title, {
    left: ['settled in the log', settled],
    right: ['transfers on chain', sumsByAsset(chain, ({ amount }) => amount)],
  });
}

function sumsByAsset<Row extends { readonly asset: string }>(
  rows: readonly Row[],
  amountOf: (row: Row) => bigint,
): Map<string, bigint> {
  const sums = new Map<string, bigint>();
  for (const row of rows) sums.set(row.asset, (sums.get(row.asset) ?? 0n) + amountOf(row));
  return sums;
}

type Side = readonly [name: string, sums: ReadonlyMap<string, bigint>];

/** One check for each asset on either side; the key '' is a count of events. */
function compare(name: string, title: string, sides: { left: Side; right: Side }): Check[] {
  const [leftName, left] = sides.left;
  const [rightName, right] = sides.right;
  const assets = [...new Set([...left.keys(), ...right.keys()])].sort();
  return assets.map((asset) => {
    const [a, b] = [left.get(asset) ?? 0n, right.get(asset) ?? 0n];
    return {
      ...{ name, title, asset: asset === '' ? null : asset },
      left: { name: leftName, value: `${a}` },
      right: { name: rightName, value: `${b}` },
      difference: `${a - b}`,
      outcome: a === b ? 'equal' : 'differs',
      detail: null,
    };
  });
}
