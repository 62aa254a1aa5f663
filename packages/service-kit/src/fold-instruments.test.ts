import { expect, test } from 'vitest';
import { createFoldInstruments, type FoldStanding } from './fold-instruments.js';
import { createMetrics } from './metrics.js';

const place = 'fold="metering",topic="decisions",partition="0"';

function given() {
  const metrics = createMetrics({ service: 's' });
  const now = { ms: 10_000 };
  const standing: FoldStanding[] = [];
  const clock = () => now.ms;
  const instruments = createFoldInstruments({ fold: 'metering', metrics, clock });
  instruments.watch(async () => standing);
  const at = (storedOffset: number, logNextOffset: number, oldestUncommittedMs?: number) => {
    standing.length = 0;
    standing.push({
      topic: 'decisions',
      partition: 0,
      storedOffset,
      logNextOffset,
      oldestUncommittedMs,
    });
  };
  return { metrics, instruments, now, standing, at, clock };
}

test('behavior: lag, age, stall and speed tell of one moment', async () => {
  const { metrics, now, at } = given();
  at(10, 14, 9_000);
  const first = await metrics.render();
  expect(first).toContain(`paycrawl_fold_lag_records{${place},service="s"} 4`);
  expect(first).toContain(`paycrawl_fold_oldest_uncommitted_seconds{${place},service="s"} 1`);
  expect(first).toContain(`paycrawl_fold_stalled_seconds{${place},service="s"} 0`);
  // What was folded before this process looked is not its speed.
  expect(first).toContain(`paycrawl_fold_records_total{${place},service="s"} 0`);
  now.ms += 1_000;
  at(13, 14, 10_500);
  expect(await metrics.render()).toContain(`paycrawl_fold_records_total{${place},service="s"} 3`);
});

test('behavior: lag without a commit is a stall until something is stored', async () => {
  const { metrics, now, at } = given();
  const stalled = async () =>
    /paycrawl_fold_stalled_seconds\{.*\} (\S+)/.exec(await metrics.render())?.[1];
  at(5, 9, 0);
  const told = [await stalled()];
  for (const _ of [1, 2]) {
    now.ms += 20_000;
    told.push(await stalled());
  }
  at(6, 9, 0);
  told.push(await stalled());
  at(9, 9);
  now.ms += 20_000;
  told.push(await stalled());
  expect(told).toEqual(['0', '0', '20', '0', '0']);
});

test('behavior: folds of one process share names, and a partition that left is gone', async () => {
  const { metrics, instruments, standing, at, clock } = given();
  const other = createFoldInstruments({ fold: 'settlement', metrics, clock });
  other.watch(async () => []);
  at(0, 0);
  instruments.restarted();
  other.deadLettered('record_unreadable');
  const text = await metrics.render();
  expect(text).toContain('paycrawl_fold_restarts_total{fold="metering",service="s"} 1');
  expect(text).toContain('paycrawl_fold_restarts_total{fold="settlement",service="s"} 0');
  const dead =
    'paycrawl_dead_letters_total{fold="settlement",code="record_unreadable",service="s"}';
  expect(text).toContain(`${dead} 1`);
  standing.length = 0;
  expect(await metrics.render()).not.toContain('paycrawl_fold_lag_records{fold="metering"');
});
