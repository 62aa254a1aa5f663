import type { ErrorCode } from '@paycrawl/errors/catalogue';
import { fail, PaycrawlError } from '@paycrawl/errors/paycrawl-error';
import type { TopicPartition } from '@paycrawl/event-log/event-log';
import type { LogPlace, LogSettings } from '@paycrawl/event-log/open-log';
import type { Block } from '@paycrawl/warehouse/warehouse';
import type { Folded } from './source-folder.js';

/** What a thread that folds again and the one that owns the warehouse say to each other. */
export interface RefoldSetup {
  readonly log: LogSettings;
  readonly logPlace: LogPlace;
  readonly storeDirectory: string;
}

export type ToRefoldThread =
  | { readonly do: 'fold'; readonly source: TopicPartition }
  | { readonly do: 'go_on'; readonly insertId: number; readonly failure?: Failure }
  | { readonly do: 'close' };

export type FromRefoldThread =
  | { readonly tell: 'ready' }
  | ({ readonly tell: 'folded' } & Folded)
  | { readonly tell: 'insert'; readonly insertId: number; readonly block: Block }
  | { readonly tell: 'broken'; readonly failure: Failure };

/** An error on its way from one thread to the other. */
export interface Failure {
  readonly code: ErrorCode;
  readonly detail: string;
}

export function failureOf(error: unknown): Failure {
  if (error instanceof PaycrawlError) return { code: error.code, detail: error.detail };
  return { code: 'internal', detail: String(error) };
}

export function errorOf({ code, detail }: Failure): PaycrawlError {
  return fail(code, detail);
}
