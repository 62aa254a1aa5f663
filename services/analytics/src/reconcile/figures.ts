import type { Warehouse } from '@paycrawl/warehouse/warehouse';
import { type Measure, measures, moneyMeasures } from '../projection/totals.js';
import { firstPathMonth } from '../read/path-months.js';
import {
  type ChainSum,
  type EntrySum,
  type Figures,
  isKept,
  type LedgerSum,
  retainedMeasures,
  type Sum,
} from './checks.js';

interface SumRow {
  readonly measure: Measure;
  readonly asset: string;
  readonly events: string;
  readonly amount: string;
}

/** Reads both sides of every equation. The chain's side is undefined until it is complete. */
export async function readFigures(warehouse: Warehouse, isChainKnown: boolean): Promise<Figures> {
  const log = await sums(
    warehouse,
    `SELECT measure, asset, sum(events) AS events, sum(amount) AS amount
     FROM log_totals FINAL GROUP BY measure, asset`,
  );
  return {
    log,
    facts: await readFacts(warehouse, log.filter(isKept)),
    hours: await readRollup(warehouse, 'rollup_hour FINAL'),
    pathDays: await readRollup(warehouse, 'rollup_path_day FINAL'),
    pathMonths: await readRollup(warehouse, `(${pathMonths})`),
    ledger: await readLedger(warehouse),
    entries: await readEntries(warehouse),
    chain: isChainKnown ? await readChain(warehouse) : undefined,
  };
}

async function sums(warehouse: Warehouse, sql: string): Promise<Sum[]> {
  const rows = await warehouse.query<SumRow>(sql);
  return rows.map(({ measure, asset, events, amount }) => ({
    ...{ measure, asset },
    events: BigInt(events),
    amount: BigInt(amount),
  }));
}

/** Replayed rows that are not merged yet count twice: only then the exact, dearer question. */
async function readFacts(warehouse: Warehouse, log: readonly Sum[]): Promise<Sum[]> {
  const sql = (final: string) => `
    SELECT measure, asset, count() AS events, sum(amount) AS amount
    FROM facts ${final}
    WHERE measure NOT IN (${retainedMeasures.map((measure) => `'${measure}'`).join(', ')})
    GROUP BY measure, asset`;
  const quick = await sums(warehouse, sql(''));
  const events = (all: readonly Sum[]) => all.reduce((sum, one) => sum + one.events, 0n);
  return events(quick) === events(log) ? quick : sums(warehouse, sql('FINAL'));
}

/** As readers see them: the days where the months are not told in full. */
const pathMonths = `
  SELECT asset, ${rollupSums().join(', ')} FROM rollup_path_month FINAL
  PREWHERE month >= ${firstPathMonth} GROUP BY asset
  UNION ALL
  SELECT asset, ${rollupSums().join(', ')} FROM rollup_path_day FINAL
  PREWHERE day < ${firstPathMonth} GROUP BY asset`;

function rollupSums(): string[] {
  const counts = measures.map((measure) => `sum(${measure}) AS ${measure}`);
  const amounts = moneyMeasures.map(
    (measure) => `sum(toUInt256(${measure}_amount)) AS ${measure}_amount`,
  );
  return [...counts, ...amounts];
}

async function readRollup(warehouse: Warehouse, from: string): Promise<Sum[]> {
  const rows = await warehouse.query<Record<string, string>>(
    `SELECT asset, ${rollupSums().join(', ')} FROM ${from} GROUP BY asset`,
  );
  return rows.flatMap((row) =>
    measures.map((measure) => ({
      measure,
      asset: row.asset ?? '',
      events: BigInt(row[measure] ?? 0),
      amount: BigInt(row[`${measure}_amount`] ?? 0),
    })),
  );
}

interface LedgerRow {
  readonly moment: string;
  readonly account: string;
  readonly asset: string;
  readonly debits: string;
  readonly credits: string;
}

async function readLedger(warehouse: Warehouse): Promise<LedgerSum[]> {
  const rows = await warehouse.query<LedgerRow>(
    `SELECT moment, account, asset, sum(debits) AS debits, sum(credits) AS credits
     FROM ledger_totals FINAL GROUP BY moment, account, asset`,
  );
  return rows.map((row) => ({
    ...row,
    debits: BigInt(row.debits),
    credits: BigInt(row.credits),
  }));
}

/** As with facts: the exact question only when rows are missing or stand twice. */
async function readEntries(warehouse: Warehouse): Promise<EntrySum[]> {
  const sql = (final: string) => `
    SELECT asset, count() AS entries, sumIf(amount, side = 'debit') AS debits,
      sumIf(amount, side = 'credit') AS credits
    FROM ledger_entries ${final} GROUP BY asset`;
  interface EntryRow {
    readonly asset: string;
    readonly entries: string;
    readonly debits: string;
    readonly credits: string;
  }
  const quick = await warehouse.query<EntryRow>(sql(''));
  const [expected] = await warehouse.query<{ entries: string }>(
    'SELECT sum(entries) AS entries FROM ledger_totals FINAL',
  );
  const stored = quick.reduce((sum, { entries }) => sum + BigInt(entries), 0n);
  const isExact = stored === BigInt(expected?.entries ?? 0);
  const rows = isExact ? quick : await warehouse.query<EntryRow>(sql('FINAL'));
  return rows.map(({ asset, debits, credits }) => ({
    asset,
    debits: BigInt(debits),
    credits: BigInt(credits),
  }));
}

async function readChain(warehouse: Warehouse): Promise<ChainSum[]> {
  const rows = await warehouse.query<{ asset: string; amount: string }>(
    'SELECT asset, sum(amount) AS amount FROM chain_transfers FINAL GROUP BY asset',
  );
  return rows.map(({ asset, amount }) => ({ asset, amount: BigInt(amount) }));
}
