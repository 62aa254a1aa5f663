import type { LogRecord } from '@paycrawl/event-log/event-log';
import { type AnyEvent, encodeEvent } from '@paycrawl/events/event';
import { physicalTopic } from '@paycrawl/events/topics';
import { createPartition } from '@paycrawl/fold/partition';
import { createMemoryStore } from '@paycrawl/fold/store';
import { nativeCells } from '@paycrawl/warehouse/native-cells';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addToBlock, emptyBlock, rowsOfBlock } from './block.js';
import { challengesFold } from './challenges-fold.js';
import { decisionsFold } from './decisions-fold.js';
import * as Sample from './events.given.js';
import { ledgerFold } from './ledger-fold.js';
import type { Table } from './output.js';
import type { EventOutputs, ProjectionFold } from './projection-fold.js';
import { columnsOf } from './rows.js';

const begin = Date.UTC(2026, 0, 31, 22);
const largest = 2n ** 100n - 1n;

type Told = Pick<AnyEvent, 'type' | 'data'>;
interface Step {
  readonly what: number;
  readonly path: string;
  readonly crawler: string;
  readonly publisherId: string;
  readonly amount: string;
  /** Since the record before, in ms. */
  readonly laterMs: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  what: fc.nat(2),
  path: fc.constantFrom('/a', '/b', '/c'),
  crawler: fc.constantFrom('bot-1', 'bot-2'),
  publisherId: fc.constantFrom('pub-1', 'pub-2'),
  // Two of the largest are more than a total may hold: the second one is set aside.
  amount: fc.constantFrom('1', '1000', String(largest), String(largest - 5n)),
  laterMs: fc.constantFrom(0, 1, 900, 1_000, 20 * 60_000, 3_600_000, 26 * 3_600_000),
});

const folds: Readonly<Record<string, (step: Step, index: number) => Told>> = {
  challenges: ({ what, laterMs: _, ...of }, index) =>
    what === 0
      ? {
          type: 'ProofRefused',
          data: Sample.proofRefused({ ...refusedOf(of), requestId: `r${index}` }),
        }
      : {
          type: 'ChallengeIssued',
          data: Sample.challengeIssued({ ...of, challengeId: `q${index}` }),
        },
  decisions: ({ what, laterMs: _, ...of }, index) => {
    const data = { ...of, chargeId: `c${index >> 1}` };
    return what === 0
      ? { type: 'PaymentAccepted', data: Sample.paymentAccepted(data) }
      : what === 1
        ? { type: 'ChargePosted', data: Sample.chargePosted(data) }
        : { type: 'LossPosted', data: Sample.lossPosted(data) };
  },
  ledger: ({ publisherId, amount }, index) => ({
    type: 'LedgerPosted',
    data: Sample.ledgerPosted({
      ...{ publisherId, chargeId: `c${index}` },
      entries: [
        { account: 'payer_receivable/x', side: 'debit', amount },
        { account: `publisher_payable/${publisherId}`, side: 'credit', amount },
      ],
    }),
  }),
};

function refusedOf({ path, crawler, publisherId }: Pick<Step, 'path' | 'crawler' | 'publisherId'>) {
  return { path, crawler, publisherId };
}

function recordsOf(topic: 'challenges' | 'decisions' | 'ledger', steps: readonly Step[]) {
  let timestampMs = begin;
  return steps.map((one, offset): LogRecord => {
    timestampMs += one.laterMs;
    const told = (folds[topic] as (typeof folds)[string])(one, offset);
    const event = { ...told, id: `${offset}`, source: 'test', timeMs: 0 } as AnyEvent;
    const at = { topic: physicalTopic(topic), partition: 0, key: 'k' };
    return { ...at, offset, timestampMs, value: encodeEvent(event) };
  });
}

const names: Partial<Record<Table, readonly string[]>> = {
  rollup_hour: ['publisher', 'hour', 'crawler', 'dialect', 'asset'],
  rollup_path_day: ['publisher', 'day', 'path', 'asset'],
  rollup_path_month: ['publisher', 'month', 'path', 'asset'],
  log_totals: ['measure', 'asset'],
  ledger_totals: ['publisher', 'moment', 'account', 'asset'],
  crawls: ['publisher', 'at', 'id'],
};

/** Every table as readers see it, and the state after a crash at `crashAt`, in such batches. */
async function project(
  fold: ProjectionFold,
  records: readonly LogRecord[],
  { batch, crashAt }: { readonly batch: number; readonly crashAt: number },
) {
  const store = createMemoryStore();
  const rows = new Map<string, { version: number; cells: string }>();
  const parked: string[] = [];
  const own = () =>
    createPartition<EventOutputs>({
      ...{ fold, partition: 0, store, deadLetter: () => [] },
      onBroken: (error) => {
        throw error;
      },
      sink: {
        close: async () => {},
        write: async (outputs) => {
          const block = emptyBlock();
          for (const output of outputs) addToBlock(block, output);
          for (const { cause } of block.deadLetters) parked.push(String(cause[2]));
          for (const [table, written] of rowsOfBlock(block)) {
            for (const cells of nativeCells(written)) keepNewest(rows, table, cells);
          }
        },
      },
    });
  for (let round = 0; round < 2; round++) {
    const partition = own();
    const until = round === 0 ? crashAt : records.length;
    for (let at = partition.nextOffset; at < until; at += batch) {
      await partition.fold(records.slice(at, Math.min(at + batch, until)));
      if (at % 3 === 0) {
        await partition.drained();
        await partition.checkpoint();
      }
    }
    await partition.drained();
    if (round === 1) while ((await partition.checkpoint()) !== undefined);
  }
  const state = [...store.snapshot().entries].map(
    ([key, value]) => `${key}=${value.toString('hex')}`,
  );
  const shown = [...rows].map(([key, { cells }]) => `${key}: ${cells}`).sort();
  return { shown, state, parked: [...new Set(parked)].sort() };
}

function keepNewest(
  rows: Map<string, { version: number; cells: string }>,
  table: Table,
  cells: readonly unknown[],
): void {
  const columns = columnsOf[table];
  const of = names[table]?.map((name) => cells[columns.indexOf(name)]) ?? cells;
  const key = `${table} ${JSON.stringify(of)}`;
  const version = Number(cells[columns.indexOf('version')] ?? 0);
  const known = rows.get(key);
  if (known !== undefined && known.version > version) return;
  const text = JSON.stringify(cells);
  // A version is one row, whoever writes it.
  if (known?.version === version) expect(text).toBe(known.cells);
  rows.set(key, { version, cells: text });
}

const cases = [
  ['challenges', challengesFold],
  ['decisions', decisionsFold],
  ['ledger', ledgerFold],
] as const;

test.each(cases)(
  'property: %s in any batches, with a crash, are as one by one',
  async (topic, fold) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 40 }),
        fc.record({ batch: fc.integer({ min: 1, max: 41 }), crashAt: fc.nat(40) }),
        async (steps, how) => {
          const records = recordsOf(topic, steps);
          const crashAt = Math.min(how.crashAt, records.length);
          const one = await project(fold, records, { batch: 1, crashAt: 0 });
          const other = await project(fold, records, { batch: how.batch, crashAt });
          expect(other).toEqual(one);
        },
      ),
      { numRuns: 300 },
    );
  },
);
