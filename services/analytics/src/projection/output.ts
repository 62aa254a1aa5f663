import type { EventType } from '@paycrawl/events/event';
import type { Batch, BatchCharge } from './batch.js';
import type { Crawl } from './crawl.js';
import type { HourTotal, Measure, PathDayTotal, PathMonthTotal } from './totals.js';

/** One event that counts, as it stands in `facts`. */
export interface Fact {
  readonly measure: Measure;
  readonly publisher: string;
  readonly crawler: string;
  readonly dialect: string;
  readonly path: string;
  /** CAIP-19 id; empty where the event names no money. */
  readonly asset: string;
  readonly amount: bigint;
  readonly subject: string;
  readonly code: string;
}

export interface LedgerEntry {
  readonly publisher: string;
  readonly moment: string;
  readonly chargeId: string;
  readonly asset: string;
  readonly account: string;
  readonly side: 'debit' | 'credit';
  readonly amount: bigint;
  readonly entry: number;
}

/** One measure and asset since ever, as the fold counted it. */
export interface LogTotal {
  readonly measure: Measure;
  readonly asset: string;
  readonly events: number;
  readonly amount: bigint;
}

export interface LedgerTotal {
  readonly publisher: string;
  readonly moment: string;
  readonly account: string;
  readonly asset: string;
  readonly entries: number;
  readonly debits: bigint;
  readonly credits: bigint;
}

/** The record after which a total stood so; absent: that of the output. */
export interface Moment {
  readonly offset: number;
  /** Log time. */
  readonly nowMs: number;
}

/**
 * What the projection folds emit: rows keyed by their cause, and entities in their newest state
 * (`key` names the entity within its source partition and tells it from others exactly as the
 * order key of its table does; only the last one of a block is written). A crawl that never changes
 * again has no key: it need not wait for a newer state.
 */
export type ProjectionOutput =
  | { readonly table: 'event_index'; readonly subject: string; readonly type: EventType }
  | { readonly table: 'facts'; readonly fact: Fact }
  | { readonly table: 'ledger_entries'; readonly entry: LedgerEntry }
  | {
      readonly table: 'rollup_hour';
      readonly key: string;
      readonly total: HourTotal;
      readonly at?: Moment;
    }
  | {
      readonly table: 'rollup_path_day';
      readonly key: string;
      readonly total: PathDayTotal;
      readonly at?: Moment;
    }
  | {
      readonly table: 'rollup_path_month';
      readonly key: string;
      readonly total: PathMonthTotal;
      readonly at?: Moment;
    }
  | {
      readonly table: 'log_totals';
      readonly key: string;
      readonly total: LogTotal;
      readonly at?: Moment;
    }
  | {
      readonly table: 'ledger_totals';
      readonly key: string;
      readonly total: LedgerTotal;
      readonly at?: Moment;
    }
  | { readonly table: 'crawls'; readonly key: string; readonly crawl: Crawl }
  | { readonly table: 'crawls'; readonly key?: undefined; readonly crawl: Crawl }
  | { readonly table: 'batches'; readonly key: string; readonly batch: Batch }
  | { readonly table: 'batch_charges'; readonly key: string; readonly charge: BatchCharge }
  | { readonly table: 'dead-letters'; readonly record: DeadLetter };

/** An absolute total, which the next one of its key replaces. */
export type TotalOutput = Extract<ProjectionOutput, { readonly total: unknown }>;

export interface DeadLetter {
  readonly code: string;
  readonly detail: string;
  readonly key: string;
  readonly valueBase64: string;
}

export type Table = Exclude<ProjectionOutput['table'], 'dead-letters'>;
