import type { Cause } from '@paycrawl/events/envelope';
import { generationOf } from '@paycrawl/events/topics';
import type { Caused } from '@paycrawl/fold/fold';
import type { ColumnType, NativeCell } from '@paycrawl/warehouse/native-columns';
import type { Schema } from '@paycrawl/warehouse/native-rows';
import type { Batch, BatchCharge } from './batch.js';
import type { Crawl } from './crawl.js';
import type { Fact, LedgerEntry, ProjectionOutput, Table } from './output.js';
import { dayMs, measures, moneyMeasures } from './totals.js';

const key = 'LowCardinality(String)';
const position = [
  ['log_topic', key],
  ['log_partition', 'UInt32'],
  ['log_offset', 'UInt64'],
] as const satisfies Schema;
const source = [
  ['source_topic', key],
  ['source_partition', 'UInt32'],
  ['version', 'UInt64'],
] as const satisfies Schema;

function sumsOf(count: ColumnType): Schema {
  return [
    ...measures.map((measure) => [measure, count] as const),
    ...moneyMeasures.map((measure) => [`${measure}_amount`, 'UInt128'] as const),
  ];
}

/** The columns of every table, in the order of the cells below. */
export const schemas: Readonly<Record<Table, Schema>> = {
  event_index: [['subject', 'String'], ['at', 'DateTime64(3)'], ['type', key], ...position],
  facts: [
    ['publisher', key],
    ['at', 'DateTime64(3)'],
    ['measure', key],
    ['crawler', key],
    ['dialect', key],
    ['path', key],
    ['asset', key],
    ['amount', 'UInt256'],
    ['subject', 'String'],
    ['code', key],
    ...position,
  ],
  ledger_entries: [
    ['publisher', key],
    ['at', 'DateTime64(3)'],
    ['moment', key],
    ['charge_id', 'String'],
    ['asset', key],
    ['account', key],
    ['side', key],
    ['amount', 'UInt256'],
    ['entry', 'UInt16'],
    ...position,
  ],
  rollup_hour: [
    ['publisher', key],
    ['hour', 'DateTime'],
    ['crawler', key],
    ['dialect', key],
    ['asset', key],
    ...sumsOf('UInt64'),
    ...source,
  ],
  rollup_path_day: [
    ['publisher', key],
    ['day', 'Date'],
    ['path', key],
    ['asset', key],
    ...sumsOf('UInt32'),
    ...source,
  ],
  rollup_path_month: [
    ['publisher', key],
    ['month', 'Date'],
    ['path', key],
    ['asset', key],
    ...sumsOf('UInt32'),
    ...source,
  ],
  log_totals: [
    ['measure', key],
    ['asset', key],
    ['events', 'UInt64'],
    ['amount', 'UInt256'],
    ...source,
  ],
  ledger_totals: [
    ['publisher', key],
    ['moment', key],
    ['account', key],
    ['asset', key],
    ['posted_at', 'DateTime64(3)'],
    ['entries', 'UInt64'],
    ['debits', 'UInt256'],
    ['credits', 'UInt256'],
    ...source,
  ],
  crawls: [
    ['publisher', key],
    ['at', 'DateTime64(3)'],
    ['id', 'String'],
    ['method', key],
    ['host', key],
    ['path', key],
    ['crawler', key],
    ['payer', key],
    ['dialect', key],
    ['status', key],
    ['code', key],
    ['asset', key],
    ['amount', 'UInt256'],
    ['challenge_id', 'String'],
    ['charge_id', 'String'],
    ['batch_id', key],
    ['transaction', key],
    ['version', 'UInt64'],
  ],
  batches: [
    ['sealed_at', 'DateTime64(3)'],
    ['id', 'String'],
    ['status', key],
    ['submitted_at', 'Nullable(DateTime64(3))'],
    ['confirmed_at', 'Nullable(DateTime64(3))'],
    ['asset', key],
    ['amount', 'UInt256'],
    ['charges', 'UInt32'],
    ['attempts', 'UInt32'],
    ['transaction', 'String'],
    ['block', 'UInt64'],
    ['gas_asset', key],
    ['gas_cost', 'UInt256'],
    ['log_partition', 'UInt32'],
    ['version', 'UInt64'],
  ],
  batch_charges: [
    ['publisher', key],
    ['batch_at', 'DateTime64(3)'],
    ['batch_id', key],
    ['charge_id', 'String'],
    ['payer', key],
    ['asset', key],
    ['amount', 'UInt256'],
    ['outcome', key],
    ['code', key],
    ['transaction', key],
    ['block', 'UInt64'],
    ['version', 'UInt64'],
  ],
};

export const columnsOf = Object.fromEntries(
  Object.entries(schemas).map(([table, schema]) => [table, schema.map(([name]) => name)]),
) as unknown as Readonly<Record<Table, readonly string[]>>;

export const tables = Object.keys(schemas) as Table[];

type Warehoused = Exclude<ProjectionOutput, { table: 'dead-letters' }>;

/** One row; `at` and position come from the cause, so every writing of it is the same. */
export function rowOf(
  output: Warehoused,
  { cause, nowMs }: Pick<Caused<unknown>, 'cause' | 'nowMs'>,
): NativeCell[] {
  const [topic, partition, offset] = cause;
  switch (output.table) {
    case 'event_index':
      return [output.subject, nowMs, output.type, topic, partition, offset];
    case 'facts':
      return factCells(output.fact, nowMs, cause);
    case 'ledger_entries':
      return entryCells(output.entry, nowMs, cause);
    case 'rollup_hour': {
      const { publisher, hourMs, crawler, dialect, asset, counts, amounts } = output.total;
      const hourS = Math.floor(hourMs / 1000);
      const of = [publisher, hourS, crawler, dialect, asset];
      return [...of, ...counts, ...amounts, topic, partition, offset];
    }
    case 'rollup_path_day': {
      const { publisher, dayMs: startMs, path, asset, counts, amounts } = output.total;
      const of = [publisher, startMs / dayMs, path, asset];
      return [...of, ...counts, ...amounts, topic, partition, offset];
    }
    case 'rollup_path_month': {
      const { publisher, monthMs, path, asset, counts, amounts } = output.total;
      const of = [publisher, monthMs / dayMs, path, asset];
      return [...of, ...counts, ...amounts, topic, partition, offset];
    }
    case 'log_totals': {
      const { measure, asset, events, amount } = output.total;
      return [measure, asset, events, amount, topic, partition, offset];
    }
    case 'ledger_totals': {
      const { publisher, moment, account, asset, entries, debits, credits } = output.total;
      const of = [publisher, moment, account, asset, nowMs];
      return [...of, entries, debits, credits, topic, partition, offset];
    }
    case 'crawls':
      return crawlCells(output.crawl, versionOf(topic, offset));
    case 'batches':
      return batchCells(output.batch, partition, versionOf(topic, offset));
    case 'batch_charges':
      return batchChargeCells(output.charge, versionOf(topic, offset));
  }
}

// One literal each: an array that grows is made twice.

function factCells(fact: Fact, nowMs: number, [topic, partition, offset]: Cause): NativeCell[] {
  const { publisher, measure, crawler, dialect, path, asset, amount, subject, code } = fact;
  return [
    publisher,
    nowMs,
    measure,
    crawler,
    dialect,
    path,
    asset,
    amount,
    subject,
    code,
    topic,
    partition,
    offset,
  ];
}

function entryCells(
  { publisher, moment, chargeId, asset, account, side, amount, entry }: LedgerEntry,
  nowMs: number,
  [topic, partition, offset]: Cause,
): NativeCell[] {
  return [
    publisher,
    nowMs,
    moment,
    chargeId,
    asset,
    account,
    side,
    amount,
    entry,
    topic,
    partition,
    offset,
  ];
}

/** Offsets begin anew in each generation of a topic; versions of an entity do not. */
function versionOf(topic: string, offset: number): number | bigint {
  if (topic.endsWith('.1')) return offset;
  return (BigInt(generationOf(topic) - 1) << 48n) + BigInt(offset);
}

function crawlCells(crawl: Crawl, version: number | bigint): NativeCell[] {
  const { publisher, atMs, id, method, host, path, crawler, payer, dialect, status } = crawl;
  const { code, asset, amount, challengeId, chargeId, batchId, transaction } = crawl;
  return [
    publisher,
    atMs,
    id,
    method,
    host,
    path,
    crawler,
    payer,
    dialect,
    status,
    code,
    asset,
    amount,
    challengeId,
    chargeId,
    batchId,
    transaction,
    version,
  ];
}

function batchCells(batch: Batch, partition: number, version: number | bigint): NativeCell[] {
  const { sealedAtMs, id, status, submittedAtMs, confirmedAtMs, asset, amount } = batch;
  const { charges, attempts, transaction, block, gasAsset, gasCost } = batch;
  const times = [submittedAtMs ?? null, confirmedAtMs ?? null];
  const chain = [charges, attempts, transaction, block, gasAsset, gasCost];
  return [sealedAtMs, id, status, ...times, asset, amount, ...chain, partition, version];
}

function batchChargeCells(charge: BatchCharge, version: number | bigint): NativeCell[] {
  const { publisher, batchAtMs, batchId, chargeId, payer, asset, amount } = charge;
  const { outcome, code, transaction, block } = charge;
  const of = [publisher, batchAtMs, batchId, chargeId, payer, asset, amount];
  return [...of, outcome, code, transaction, block, version];
}
