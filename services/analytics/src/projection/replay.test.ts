import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LogRecord } from '@paycrawl/event-log/event-log';
import { type AnyEvent, encodeEvent } from '@paycrawl/events/event';
import { physicalTopic, type TopicName } from '@paycrawl/events/topics';
import { createPartition } from '@paycrawl/fold/partition';
import { createMemoryStore, type Store } from '@paycrawl/fold/store';
import { openChdbWarehouse } from '@paycrawl/warehouse/chdb-warehouse';
import { migrate } from '@paycrawl/warehouse/migrate';
import type { Warehouse } from '@paycrawl/warehouse/warehouse';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as Sample from './events.given.js';
import { createFlusher } from './flusher.js';
import { projectionFolds } from './projection.js';
import type { EventOutputs } from './projection-fold.js';
import { tables } from './rows.js';

const noon = Date.UTC(2026, 0, 31, 12);
const directory = mkdtempSync(join(tmpdir(), 'paycrawl-replay-'));
let warehouse: Warehouse;

beforeAll(async () => {
  warehouse = await openChdbWarehouse({ directory });
  await migrate(warehouse);
});
afterAll(async () => {
  await warehouse.close();
  rmSync(directory, { recursive: true });
});

type Event = [type: AnyEvent['type'], data: unknown];

/** Crawls of every fate, over a month end, in one partition of each topic. */
function history(): Map<TopicName, LogRecord[]> {
  const events = new Map<TopicName, Event[]>();
  const put = (topic: TopicName, ...event: Event) =>
    events.set(topic, [...(events.get(topic) ?? []), event]);
  for (let index = 0; index < 24; index += 1) {
    const id = { chargeId: `c${index}`, path: `/${index % 7}`, crawler: `bot-${index % 3}` };
    const { chargeId } = id;
    put(
      'challenges',
      'ChallengeIssued',
      Sample.challengeIssued({ ...id, challengeId: `q${index}` }),
    );
    if (index % 5 === 0)
      put('challenges', 'ProofRefused', Sample.proofRefused({ requestId: `r${index}` }));
    if (index % 6 === 0) put('decisions', 'PaymentRejected', Sample.paymentRejected(id));
    put('decisions', 'PaymentAccepted', Sample.paymentAccepted(id));
    if (index % 8 === 1) {
      put('decisions', 'HoldReleased', Sample.holdReleased(id));
      continue;
    }
    put('decisions', 'ChargePosted', Sample.chargePosted(id));
    put('ledger', 'LedgerPosted', Sample.ledgerPosted({ chargeId }));
    put('decisions', 'ChargeInFlight', Sample.chargeInFlight({ chargeId }));
    if (index % 2 === 0) put('decisions', 'ChargeSettled', Sample.chargeSettled({ chargeId }));
    if (index % 9 === 3) {
      put('decisions', 'ChargeUncollectible', Sample.chargeUncollectible({ chargeId }));
    }
  }
  put('settlements', 'BatchSealed', Sample.batchSealed());
  put('settlements', 'BatchSubmitted', Sample.batchSubmitted());
  put('settlements', 'BatchConfirmed', Sample.batchConfirmed());
  return new Map(
    [...events].map(([topic, list]) => [topic, list.map((e, i) => record(topic, e, i))]),
  );
}

function record(topic: TopicName, [type, data]: Event, offset: number): LogRecord {
  const at = { topic: physicalTopic(topic), partition: 0 };
  // Twelve hours apart at most, so that hours, days and the month change on the way.
  const timestampMs = noon + offset * 20 * 60_000;
  const event = { type, id: `${topic}-${offset}`, source: 'test', timeMs: 0, data } as AnyEvent;
  return { ...at, offset, timestampMs, key: 'k', value: encodeEvent(event) };
}

/** Folds the history in batches of the given size; `until` records, then the owner vanishes. */
async function project(batchRecords: number, stores: Map<string, Store>, until = Infinity) {
  const flusher = createFlusher({
    warehouse,
    flushIntervalMs: 1,
    // The folds write at the same time, as in the service: their blocks are of several topics.
    blockOutputsMax: 4 * batchRecords,
    engineShareMax: 1,
    retryDelayMs: 1,
    writeDeadLetters: async () => {},
  });
  const all = history();
  await Promise.all(
    projectionFolds.map((fold) => {
      const store = stores.get(fold.input) ?? createMemoryStore();
      stores.set(fold.input, store);
      const records = (all.get(fold.input) ?? []).slice(0, until);
      return projectTopic(fold, { records, batchRecords, store, flusher });
    }),
  );
  await flusher.close();
}

interface Projecting {
  readonly records: readonly LogRecord[];
  readonly batchRecords: number;
  readonly store: Store;
  readonly flusher: ReturnType<typeof createFlusher>;
}

async function projectTopic(
  fold: (typeof projectionFolds)[number],
  { records, batchRecords, store, flusher }: Projecting,
): Promise<void> {
  const partition = createPartition<EventOutputs>({
    fold,
    partition: 0,
    store,
    sink: { write: (outputs) => flusher.add(outputs), close: async () => {} },
    deadLetter: (_record, code, detail) => [
      { table: 'dead-letters', record: { code, detail, key: '', valueBase64: '' } },
    ],
    onBroken: (error) => {
      throw error;
    },
  });
  for (let start = 0; start < records.length; start += batchRecords) {
    await partition.fold(records.slice(start, start + batchRecords));
    await partition.drained();
    // A checkpoint now and then only: the rest is folded again by the next owner.
    if (start % 3 === 0) await partition.checkpoint();
  }
}

/** Everything that readers see: each table with its newest rows. */
async function contents(): Promise<Record<string, unknown[]>> {
  const entries = tables.map(async (table) => {
    const rows = await warehouse.query(`SELECT * FROM ${table} FINAL ORDER BY ALL`);
    return [table, rows] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

async function empty(): Promise<void> {
  for (const table of tables) await warehouse.exec(`TRUNCATE TABLE ${table}`);
}

/** Hundreds of synced inserts, on whatever disk and beside whatever else runs. */
const timeoutMs = 120_000;

describe('replay into the real engine', { timeout: timeoutMs }, () => {
  test('behavior: twice, with other batches, by a zombie, after a crash: the same numbers', async () => {
    await project(1000, new Map());
    const once = await contents();
    expect(once.facts?.length).toBeGreaterThan(80);
    expect(once.rollup_hour?.length).toBeGreaterThan(20);
    expect(once.batches).toMatchObject([{ status: 'confirmed', gas_cost: '90000000000000' }]);

    await project(1000, new Map());
    await project(23, new Map());
    expect(await contents()).toEqual(once);

    await empty();
    const stores = new Map<string, Store>();
    await project(19, stores, 60);
    // A zombie that began long before writes old totals after the new ones.
    await project(17, new Map(), 30);
    await project(31, stores);
    await project(29, new Map(), 50);
    expect(await contents()).toEqual(once);
  });

  test('behavior: roll-ups are the sums of the facts', async () => {
    await empty();
    await project(31, new Map());
    const sums = (from: string) => `
      SELECT publisher, asset, sum(charged) AS charged, sum(challenged) AS challenged,
        sum(settled) AS settled, sum(toUInt256(charged_amount)) AS charged_amount,
        sum(toUInt256(settled_amount)) AS settled_amount
      FROM ${from} FINAL GROUP BY publisher, asset ORDER BY asset`;
    const facts = await warehouse.query(`
      SELECT publisher, asset, countIf(measure = 'charged') AS charged,
        countIf(measure = 'challenged') AS challenged, countIf(measure = 'settled') AS settled,
        sumIf(amount, measure = 'charged') AS charged_amount,
        sumIf(amount, measure = 'settled') AS settled_amount
      FROM facts FINAL GROUP BY publisher, asset ORDER BY asset`);
    expect(await warehouse.query(sums('rollup_hour'))).toEqual(facts);
    expect(await warehouse.query(sums('rollup_path_day'))).toEqual(facts);
    expect(await warehouse.query(sums('rollup_path_month'))).toEqual(facts);
  });
});
