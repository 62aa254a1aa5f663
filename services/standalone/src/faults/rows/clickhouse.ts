import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { childEnvironment } from '../../config.js';
import { apiBooks, booksAgree, ledgerBooks, seconds } from '../books.js';
import type { Choice, FaultCase, FaultContext, FaultRow } from '../fault.js';

const awayAllMs = 60_000;
/** Longer than every deadline of a statement that is tried again; `FAULT_AWAY_S` sets another. */
const awayCiMs = 12_000;
const wrongAnswers = 12;

export const clickHouseAway: FaultRow = {
  name: 'ClickHouse',
  mustHold: 'crawls are sold meanwhile; catches up; no double rows (API = ledger)',
  cases: (choice) => [away(awayMsOf(choice)), wrong('fail_after_apply'), wrong('cut_after_apply')],
};

function awayMsOf({ isAll }: Choice): number {
  const chosenS = Number.parseInt(childEnvironment().FAULT_AWAY_S ?? '', 10);
  if (chosenS > 0) return chosenS * 1_000;
  return isAll ? awayAllMs : awayCiMs;
}

function away(awayMs: number): FaultCase {
  return {
    name: `kill -9, away ${seconds(awayMs)}`,
    timeoutMs: awayMs + 180_000,
    run: async (context) => {
      const { platform, load, limitMs } = context;
      const run = await platform.run();
      const before = load.figures();
      const goneMs = performance.now();
      await platform.clickHouse.kill9();
      await answersAwayProblem(`${run.api}/v1/publishers/${run.publisher.id}/revenue`, run);
      await delay(awayMs - (performance.now() - goneMs));
      const meanwhile = load.figures();
      await platform.clickHouse.restart();
      const backMs = performance.now();
      const { charges } = await ledgerBooks(platform.log);
      const shown = async () => (await apiBooks(run))?.charges ?? 0;
      await expect
        .poll(shown, { timeout: limitMs(60_000), interval: 50 })
        .toBeGreaterThanOrEqual(charges);
      const caughtUpMs = performance.now() - backMs;
      const gapMs = load.gapSince(goneMs);
      await load.stop();
      expect(meanwhile.statuses['503'] ?? 0).toBe(before.statuses['503'] ?? 0);
      expect(meanwhile.paid).toBeGreaterThan(before.paid);
      const books = await booksAgree(context);
      const missed = meanwhile.paid - before.paid;
      return {
        gapMs,
        note:
          `${missed} pages sold meanwhile, caught up ${seconds(caughtUpMs)} after its return, ` +
          `${books.charges} rows = ${books.charges} charges of the ledger`,
      };
    },
  };
}

async function answersAwayProblem(url: string, run: { publisher: { token: string } }) {
  const headers = { authorization: `Bearer ${run.publisher.token}` };
  const answer = await fetch(url, { headers });
  expect(answer.status).toBe(503);
  expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
  expect(await answer.json()).toMatchObject({ code: 'warehouse_unavailable' });
}

function wrong(kind: 'fail_after_apply' | 'cut_after_apply'): FaultCase {
  const what = kind === 'fail_after_apply' ? 'HTTP 500' : 'connection cut';
  return {
    name: `${what} after the insert was applied, ${wrongAnswers} times`,
    timeoutMs: 120_000,
    run: (context) => wrongAnswered(context, kind),
  };
}

async function wrongAnswered(context: FaultContext, kind: 'fail_after_apply' | 'cut_after_apply') {
  const { platform, load, limitMs } = context;
  const { clickHouse } = platform;
  const before = await clickHouse.counts();
  const figures = load.figures();
  const beganMs = performance.now();
  await clickHouse.setFault({ kind, times: wrongAnswers, insertsOnly: true });
  const met = async () => (await clickHouse.counts()).faults - before.faults;
  await expect.poll(met, { timeout: limitMs(60_000), interval: 50 }).toBe(wrongAnswers);
  await clickHouse.setFault({ kind: 'none' });
  const gapMs = load.gapSince(beganMs);
  expect(load.figures().statuses['503'] ?? 0).toBe(figures.statuses['503'] ?? 0);
  await load.stop();
  const books = await booksAgree(context);
  return {
    gapMs,
    note: `${wrongAnswers} wrong answers, ${books.charges} rows = ${books.charges} charges`,
  };
}
