import { expect, test } from 'vitest';
import { createHealth } from './health.js';

test('behavior: not ready while starting or stopping', async () => {
  const health = createHealth();
  expect((await health.ready()).checks.phase).toEqual({ status: 'failing', reason: 'starting' });
  health.markReady();
  expect((await health.ready()).status).toBe('ok');
  health.markStopping();
  health.markReady();
  expect((await health.ready()).checks.phase).toEqual({ status: 'failing', reason: 'stopping' });
});

test('behavior: a failing check is named with its reason', async () => {
  const health = createHealth();
  health.markReady();
  health.check('chain', () => Promise.reject(new TypeError('rpc away')));
  health.check('log', () => undefined);
  const report = await health.ready();
  expect(report.status).toBe('failing');
  expect(report.checks.chain).toEqual({ status: 'failing', reason: 'rpc away' });
  expect(report.checks.log).toEqual({ status: 'ok' });
});

test('behavior: a check that hangs is a failing check', async () => {
  const health = createHealth({ checkTimeoutMs: 5 });
  health.markReady();
  health.check('disk', () => new Promise<void>(() => undefined));
  expect((await health.ready()).checks.disk?.status).toBe('failing');
});

test('behavior: alive while there is no lag, however long ago the last commit was', async () => {
  const at = { ms: 0 };
  const health = createHealth({ nowMs: () => at.ms });
  let lag = 0;
  health.progress('payments-0', { lag: () => lag, stalledAfterMs: 10_000 });
  at.ms = 3_600_000;
  expect((await health.live()).status).toBe('ok');
  lag = 1;
  expect((await health.live()).status).toBe('ok');
  at.ms += 9_999;
  expect((await health.live()).status).toBe('ok');
});

test('behavior: lag without a commit for too long fails, a commit heals', async () => {
  const at = { ms: 0 };
  const health = createHealth({ nowMs: () => at.ms });
  const progress = health.progress('payments-0', { lag: () => 3, stalledAfterMs: 10_000 });
  await health.live();
  at.ms = 9_000;
  progress.committed();
  at.ms = 15_000;
  expect((await health.live()).status).toBe('ok');
  at.ms = 19_000;
  expect(await health.live()).toEqual({
    status: 'failing',
    checks: { 'payments-0': { status: 'failing', reason: 'lag 3, nothing committed for 10 s' } },
  });
  progress.committed();
  expect((await health.live()).status).toBe('ok');
});
