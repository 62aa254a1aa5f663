import { fail } from '@paycrawl/errors/paycrawl-error';

const patienceMsDefault = 120_000;
/** Tens of thousands of authorizations at the rate of a devnet whose machine is busy. */
const settlementPatienceMs = 480_000;
const pauseMs = 200;
const lag = /^paycrawl_fold_lag_records\{[^}]*\} (\d+)$/gm;
const unsettled = /^paycrawl_settlement_(?:queue_charges|batches_in_flight)\{[^}]*\} (\d+)$/gm;

/** Resolves when every fold has caught up, so that one load does not pay for the one before. */
export function whenFolded(api: string, patienceMs = patienceMsDefault): Promise<void> {
  return whenAllZero(api, lag, patienceMs, 'The folds do not catch up.');
}

/**
 * Resolves when nothing is owed any more: what settlement still has before it decides how long the
 * next proofs must last, and its work would be part of the next figure.
 */
export async function whenSettled(api: string): Promise<void> {
  await whenFolded(api);
  await whenAllZero(api, unsettled, settlementPatienceMs, 'Settlement does not catch up.');
  await whenFolded(api);
}

async function whenAllZero(
  api: string,
  gauges: RegExp,
  mostMs: number,
  otherwise: string,
): Promise<void> {
  const untilMs = performance.now() + mostMs;
  for (;;) {
    const text = await (await fetch(`${api}/metrics`)).text();
    const values = [...text.matchAll(gauges)].map(([, value]) => value);
    if (values.length === 0) throw fail('bench_failed', `${api}/metrics tells nothing of it.`);
    if (values.every((value) => value === '0')) return;
    if (performance.now() > untilMs) throw fail('bench_failed', otherwise);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
