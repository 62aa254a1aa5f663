import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RebuildOptions, rebuildProjection } from '@paycrawl/analytics/rebuild/rebuild';
import { fail } from '@paycrawl/errors/paycrawl-error';
import type { EventLog } from '@paycrawl/event-log/event-log';
import { type LogSettings, openLog } from '@paycrawl/event-log/open-log';
import { type AnyEvent, type EventTopic, encodeEvent } from '@paycrawl/events/event';
import { physicalTopic, topicConfigs } from '@paycrawl/events/topics';
import { meteringFold } from '@paycrawl/metering/books/decide';
import { admission } from '@paycrawl/verifier/admission/decide';
import { openChdbWarehouse } from '@paycrawl/warehouse/chdb-warehouse';
import type { Warehouse } from '@paycrawl/warehouse/warehouse';
import { deliveredOf, fundsOf, proofOf, randomAddress } from './admission-records.js';
import { challengesOf, createCrawlWorld } from './steps/crawl-world.js';
import { eventsIn, openFolding } from './steps/fold-events.js';

export interface RebuildFigures {
  readonly records: number;
  readonly recordsPerS: number;
  /** What is counted: challenged, accepted, charged. */
  readonly factsPerS: number;
  /** In all tables. */
  readonly rowsPerS: number;
  /** Processor time of all threads for a record, the engine's included. */
  readonly cpuUs: number;
}

export interface RebuildSizes {
  readonly crawls: number;
  /** Beside each paid crawl. */
  readonly challengesPerCrawl: number;
}

const logSettings: LogSettings = { kind: 'lmdb', brokers: [], isTls: false };
const payersMax = 1_000;
const crawlsAtOnce = 5_000;

/**
 * The log into ClickHouse, by the very tool that operators rebuild the projection with, from its
 * first record to the last, into an empty engine in this process.
 */
export async function benchRebuild(sizes: RebuildSizes): Promise<RebuildFigures> {
  const directory = mkdtempSync(join(tmpdir(), 'paycrawl-bench-'));
  const logPlace = { directory: join(directory, 'log'), clientId: 'bench' };
  const log = openLog(logSettings, logPlace);
  const warehouse = await openChdbWarehouse({ directory: join(directory, 'warehouse') });
  try {
    await log.createTopics(topicConfigs({ payer: 1, publisher: 1 }, 3_600_000));
    await fill(log, sizes);
    const threads = { log: logSettings, logPlace, count: availableParallelism() };
    const workDirectory = join(directory, 'stores');
    return await measure({ log, warehouse, workDirectory, threads }, sizes);
  } finally {
    await warehouse.close();
    await log.close();
    rmSync(directory, { recursive: true });
  }
}

async function measure(
  rebuild: Pick<RebuildOptions, 'log' | 'warehouse' | 'workDirectory' | 'threads'>,
  { crawls, challengesPerCrawl }: RebuildSizes,
): Promise<RebuildFigures> {
  let begin = lookNow();
  let end = begin;
  const { records } = await rebuildProjection({
    ...{ ...rebuild, clock: Date.now },
    // Nothing was served before.
    acceptDifferences: true,
    onStep: (step) => {
      if (step === 'locked') begin = lookNow();
      if (step === 'refolded') end = lookNow();
    },
  });
  const seconds = (end.atMs - begin.atMs) / 1000;
  const [facts = 0, rows = 0] = await Promise.all([
    countOf(rebuild.warehouse, `SELECT count() AS rows FROM facts FINAL`),
    countOf(
      rebuild.warehouse,
      `SELECT sum(rows) AS rows FROM system.parts
       WHERE active AND table != 'schema_migrations' AND database = currentDatabase()`,
    ),
  ]);
  const expected = crawls * (2 + challengesPerCrawl);
  if (facts !== expected) throw fail('bench_failed', `${facts} facts are there, not ${expected}.`);
  return {
    records,
    recordsPerS: Math.round(records / seconds),
    factsPerS: Math.round(facts / seconds),
    rowsPerS: Math.round(rows / seconds),
    cpuUs: (end.cpuUs - begin.cpuUs) / records,
  };
}

function lookNow(): { readonly atMs: number; readonly cpuUs: number } {
  const { user, system } = process.cpuUsage();
  return { atMs: performance.now(), cpuUs: user + system };
}

async function countOf(warehouse: Warehouse, sql: string): Promise<number> {
  const [found] = await warehouse.query<{ rows: string }>(sql);
  return Number(found?.rows);
}

/** Every topic that a paid crawl leaves records in, made by the folds themselves. */
async function fill(log: EventLog, { crawls, challengesPerCrawl }: RebuildSizes): Promise<void> {
  const nowMs = Date.now();
  const verifier = openFolding(admission, nowMs);
  const metering = openFolding(meteringFold, nowMs);
  const world = createCrawlWorld(nowMs);
  const payers = Array.from({ length: payersMax }, randomAddress);
  const producer = log.producer();
  const append = async (topic: EventTopic, events: readonly AnyEvent[]): Promise<void> => {
    const place = { topic: physicalTopic(topic), partition: 0 };
    await producer.append(
      events.map((event) => ({ ...place, key: keyOf(event), value: encodeEvent(event) })),
    );
  };
  const told = (event: Pick<AnyEvent, 'type' | 'data'>, id: string): AnyEvent =>
    ({ ...event, id, source: 'bench', timeMs: nowMs }) as AnyEvent;
  verifier.feed(payers.map((from) => told(fundsOf(from), `funds/${from}`)));
  for (let from = 0; from < crawls; from += crawlsAtOnce) {
    const payments: AnyEvent[] = [];
    for (let i = from; i < Math.min(from + crawlsAtOnce, crawls); i++) {
      const proof = proofOf(payers[i % payers.length] as string, i);
      payments.push(told(proof, `p/${i}`), told(deliveredOf(proof.data), `d/${i}`));
    }
    const decisions = eventsIn(verifier.feed(payments), 'decisions', 'verifier');
    const metered = metering.feed(decisions);
    await append('payments', payments);
    await append('decisions', decisions);
    await append('ledger', eventsIn(metered, 'ledger', 'metering'));
    await append('charges', eventsIn(metered, 'charges', 'metering'));
    const challenges = (payments.length / 2) * challengesPerCrawl;
    await append('challenges', challengesOf(world, challenges));
  }
  await producer.close();
}

function keyOf({ data }: AnyEvent): string {
  return 'payer' in data ? String(data.payer) : 'bench';
}
