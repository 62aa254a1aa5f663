import { generationOf } from '@paycrawl/events/topics';
import type { Caused } from '@paycrawl/fold/fold';
import type { Cell } from '@paycrawl/warehouse/warehouse';
import type { ProjectionOutput, Table } from './output.js';
import { measures, moneyMeasures, type Sums } from './totals.js';

const position = ['log_topic', 'log_partition', 'log_offset'];
const source = ['source_topic', 'source_partition', 'version'];
const sums = [...measures, ...moneyMeasures.map((measure) => `${measure}_amount`)];

/** The columns of every table, in the order of the cells below. */
export const columnsOf: Readonly<Record<Table, readonly string[]>> = {
  event_index: ['subject', 'at', 'type', ...position],
  facts: [
    ...['publisher', 'at', 'measure', 'crawler', 'dialect', 'path', 'asset', 'amount'],
    ...['subject', 'code', ...position],
  ],
  ledger_entries: [
    ...['publisher', 'at', 'moment', 'charge_id', 'asset', 'account', 'side', 'amount'],
    ...['entry', ...position],
  ],
  rollup_hour: ['publisher', 'hour', 'crawler', 'dialect', 'asset', ...sums, ...source],
  rollup_path_day: ['publisher', 'day', 'path', 'asset', ...sums, ...source],
  rollup_path_month: ['publisher', 'month', 'path', 'asset', ...sums, ...source],
  log_totals: ['measure', 'asset', 'events', 'amount', ...source],
  ledger_totals: [
    ...['publisher', 'moment', 'account', 'asset', 'posted_at', 'entries', 'debits', 'credits'],
    ...source,
  ],
  crawls: [
    ...['publisher', 'at', 'id', 'method', 'host', 'path', 'crawler', 'payer', 'dialect'],
    ...['status', 'code', 'asset', 'amount', 'challenge_id', 'charge_id', 'batch_id'],
    ...['transaction', 'version'],
  ],
  batches: [
    ...['sealed_at', 'id', 'status', 'submitted_at', 'confirmed_at', 'asset', 'amount'],
    ...['charges', 'attempts', 'transaction', 'block', 'gas_asset', 'gas_cost'],
    ...['log_partition', 'version'],
  ],
  batch_charges: [
    ...['publisher', 'batch_at', 'batch_id', 'charge_id', 'payer', 'asset', 'amount'],
    ...['outcome', 'code', 'transaction', 'block', 'version'],
  ],
};

export const tables = Object.keys(columnsOf) as Table[];

type Warehoused = Exclude<ProjectionOutput, { table: 'dead-letters' }>;

/** One row; `at` and position come from the cause, so every writing of it is the same. */
export function rowOf(output: Warehoused, { cause, nowMs }: Caused<unknown>): Cell[] {
  const [topic, partition, offset] = cause;
  const at = [topic, partition, offset];
  switch (output.table) {
    case 'event_index':
      return [output.subject, nowMs, output.type, ...at];
    case 'facts': {
      const { publisher, measure, crawler, dialect, path, asset, amount } = output.fact;
      const { subject, code } = output.fact;
      const what = [publisher, nowMs, measure, crawler, dialect, path, asset, `${amount}`];
      return [...what, subject, code, ...at];
    }
    case 'ledger_entries': {
      const { publisher, moment, chargeId, asset, account, side, amount, entry } = output.entry;
      return [publisher, nowMs, moment, chargeId, asset, account, side, `${amount}`, entry, ...at];
    }
    case 'rollup_hour': {
      const { publisher, hourMs, crawler, dialect, asset } = output.total;
      const key = [publisher, Math.floor(hourMs / 1000), crawler, dialect, asset];
      return [...key, ...sumCells(output.total), ...at];
    }
    case 'rollup_path_day': {
      const { publisher, dayMs, path, asset } = output.total;
      return [publisher, isoDay(dayMs), path, asset, ...sumCells(output.total), ...at];
    }
    case 'rollup_path_month': {
      const { publisher, monthMs, path, asset } = output.total;
      return [publisher, isoDay(monthMs), path, asset, ...sumCells(output.total), ...at];
    }
    case 'log_totals': {
      const { measure, asset, events, amount } = output.total;
      return [measure, asset, events, `${amount}`, ...at];
    }
    case 'ledger_totals': {
      const { publisher, moment, account, asset, entries, debits, credits } = output.total;
      const key = [publisher, moment, account, asset];
      return [...key, nowMs, entries, `${debits}`, `${credits}`, ...at];
    }
    case 'crawls':
      return [...crawlCells(output.crawl), versionOf(topic, offset)];
    case 'batches':
      return [...batchCells(output.batch), partition, versionOf(topic, offset)];
    case 'batch_charges':
      return [...batchChargeCells(output.charge), versionOf(topic, offset)];
  }
}

const firstGeneration = /\.1$/;

/** Offsets begin anew in each generation of a topic; versions of an entity do not. */
function versionOf(topic: string, offset: number): number | string {
  if (firstGeneration.test(topic)) return offset;
  return String((BigInt(generationOf(topic) - 1) << 48n) + BigInt(offset));
}

function sumCells({ counts, amounts }: Sums): Cell[] {
  return [...counts, ...amounts.map(String)];
}

function isoDay(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10);
}

function crawlCells(crawl: Extract<Warehoused, { table: 'crawls' }>['crawl']): Cell[] {
  const { publisher, atMs, id, method, host, path, crawler, payer, dialect, status } = crawl;
  const { code, asset, amount, challengeId, chargeId, batchId, transaction } = crawl;
  const request = [publisher, atMs, id, method, host, path, crawler, payer, dialect];
  return [
    ...request,
    status,
    code,
    asset,
    `${amount}`,
    challengeId,
    chargeId,
    batchId,
    transaction,
  ];
}

function batchCells(batch: Extract<Warehoused, { table: 'batches' }>['batch']): Cell[] {
  const { sealedAtMs, id, status, submittedAtMs, confirmedAtMs, asset, amount } = batch;
  const { charges, attempts, transaction, block, gasAsset, gasCost } = batch;
  const times = [submittedAtMs ?? null, confirmedAtMs ?? null];
  const chain = [charges, attempts, transaction, block, gasAsset, `${gasCost}`];
  return [sealedAtMs, id, status, ...times, asset, `${amount}`, ...chain];
}

function batchChargeCells(charge: Extract<Warehoused, { table: 'batch_charges' }>['charge']) {
  const { publisher, batchAtMs, batchId, chargeId, payer, asset, amount } = charge;
  const { outcome, code, transaction, block } = charge;
  const key = [publisher, batchAtMs, batchId, chargeId, payer, asset, `${amount}`];
  return [...key, outcome, code, transaction, block];
}
