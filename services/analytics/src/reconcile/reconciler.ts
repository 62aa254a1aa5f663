import type { Warehouse } from '@paycrawl/warehouse/warehouse';
import { dayMs } from '../projection/totals.js';
import { isoOf } from '../read/period.js';
import type { Reconciliation } from '../routes/api-types.js';
import { readChainTransfers, type SettlementChain } from './chain-transfers.js';
import { type Check, checksOf } from './checks.js';
import { readFigures } from './figures.js';

export interface ReconcilerOptions {
  readonly warehouse: Warehouse;
  readonly chain: SettlementChain | undefined;
  readonly intervalMs: number;
  /** A difference younger than this is events on their way between services. */
  readonly patienceMs: number;
  clock(): number;
  /** Records that the projection has not made durable. */
  lag(): Promise<number>;
  onError(error: unknown): void;
}

/** Compares log, ledger, ClickHouse and chain all the time. */
export interface Reconciler {
  /** Now, or a moment ago: one comparison at a time, at most one a second. */
  reconcile(): Promise<Reconciliation>;
  /** Of the last comparison; undefined before the first. */
  last(): Reconciliation | undefined;
  close(): Promise<void>;
}

const freshMs = 1000;

export function startReconciler(options: ReconcilerOptions): Reconciler {
  const differsSince = new Map<string, number>();
  let last: { readonly answer: Reconciliation; readonly atMs: number } | undefined;
  let underWay: Promise<Reconciliation> | undefined;

  async function run(): Promise<Reconciliation> {
    const answer = await compareAll(options, differsSince, last?.answer);
    last = { answer, atMs: options.clock() };
    return answer;
  }

  function reconcile(): Promise<Reconciliation> {
    if (last !== undefined && options.clock() - last.atMs < freshMs) {
      return Promise.resolve(last.answer);
    }
    underWay ??= run().finally(() => {
      underWay = undefined;
    });
    return underWay;
  }

  const timer = setInterval(() => void reconcile().catch(options.onError), options.intervalMs);
  return {
    reconcile,
    last: () => last?.answer,
    async close() {
      clearInterval(timer);
      await underWay?.catch(() => {});
    },
  };
}

async function compareAll(
  options: ReconcilerOptions,
  differsSince: Map<string, number>,
  before: Reconciliation | undefined,
): Promise<Reconciliation> {
  const { warehouse, chain } = options;
  const nowMs = options.clock();
  // What was equal is looked at once more for a day; anything else is looked for everywhere.
  const sinceMs = before?.outcome === 'equal' ? nowMs - dayMs : 0;
  const open = await openTransactions(options, chain, { nowMs, sinceMs });
  const figures = await readFigures(warehouse, open === 0);
  const lag = await options.lag();
  const checks = withPatience(checksOf(figures), { differsSince, nowMs, ...options });
  return { at: isoOf(nowMs), outcome: outcomeOf(checks), lag, checks };
}

/** The chain away is "unknown", and the other equations are still told. */
async function openTransactions(
  { warehouse, onError }: ReconcilerOptions,
  chain: SettlementChain | undefined,
  period: { readonly nowMs: number; readonly sinceMs: number },
): Promise<number | undefined> {
  if (chain === undefined) return undefined;
  try {
    return await readChainTransfers(warehouse, chain, period);
  } catch (error) {
    onError(error);
    return undefined;
  }
}

/** Services follow each other by a moment: only a difference that stays is one. */
export function withPatience(
  checks: readonly Check[],
  of: { differsSince: Map<string, number>; nowMs: number; patienceMs: number },
): Check[] {
  return checks.map((check) => {
    const key = `${check.name}\n${check.asset ?? ''}`;
    if (check.outcome !== 'differs') {
      of.differsSince.delete(key);
      return check;
    }
    const sinceMs = of.differsSince.get(key) ?? of.nowMs;
    of.differsSince.set(key, sinceMs);
    if (of.nowMs - sinceMs >= of.patienceMs) return check;
    return { ...check, outcome: 'unknown', detail: 'Events are still on their way.' };
  });
}

function outcomeOf(checks: readonly Check[]): Reconciliation['outcome'] {
  if (checks.some(({ outcome }) => outcome === 'differs')) return 'differs';
  return checks.some(({ outcome }) => outcome === 'unknown') ? 'unknown' : 'equal';
}
