import { fail } from '@paycrawl/errors/paycrawl-error';

const patienceMs = 120_000;
const pauseMs = 200;
const lag = /^paycrawl_fold_lag_records\{[^}]*\} (\d+)$/gm;

/** Resolves when every fold has caught up, so that one load does not pay for the one before. */
export async function whenFolded(api: string): Promise<void> {
  const untilMs = performance.now() + patienceMs;
  for (;;) {
    const text = await (await fetch(`${api}/metrics`)).text();
    const lags = [...text.matchAll(lag)].map(([, records]) => records);
    if (lags.length === 0) throw fail('bench_failed', `${api}/metrics tells of no fold.`);
    if (lags.every((records) => records === '0')) return;
    if (performance.now() > untilMs) throw fail('bench_failed', 'The folds do not catch up.');
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
