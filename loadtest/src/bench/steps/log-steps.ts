import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EventLog, NewRecord } from '@paycrawl/event-log/event-log';
import { openLmdbLog } from '@paycrawl/event-log/lmdb-log';
import { encodeEvent } from '@paycrawl/events/event';
import { physicalTopic, topicConfigs } from '@paycrawl/events/topics';
import type { Step } from './budget.js';
import { cpuUsOfRounds } from './cpu-per-call.js';
import type { CrawlLog } from './crawl-events.js';

const group = 64;
const recordsPerRound = 6_400;
const rounds = 3;
const batchRecords = 500;

export interface LogCosts {
  /** A record, where many requests append one each and wait for it. */
  readonly aloneUs: number;
  /** A record of the outputs of a fold, many at once. */
  readonly togetherUs: number;
  readonly readUs: number;
}

/** The embedded log: what makes a record durable, and what reads it again. */
export async function logCosts(crawls: CrawlLog): Promise<LogCosts> {
  const directory = await mkdtemp(join(tmpdir(), 'paycrawl-steps-'));
  const log = openLmdbLog({ directory });
  try {
    await log.createTopics(topicConfigs({ payer: 1, publisher: 1 }, 3_600_000));
    const payments = recordsOf(crawls.payments, physicalTopic('payments'));
    const decisions = recordsOf(crawls.decisions, physicalTopic('decisions'));
    const aloneUs = await appendUs(log, payments, (producer, some) =>
      Promise.all(some.map((record) => producer.append([record]))),
    );
    const togetherUs = await appendUs(log, decisions, (producer, some) => producer.append(some));
    return { aloneUs, togetherUs, readUs: await readUs(log, physicalTopic('payments')) };
  } finally {
    await log.close();
    await rm(directory, { recursive: true, force: true });
  }
}

/** Of a service that reads and writes so many records of a crawl. */
export function logSteps(
  { togetherUs, readUs }: LogCosts,
  { reads, writes }: { readonly reads: number; readonly writes: number },
): Step[] {
  const append = `durable append of a fold, ${group} records at once`;
  return [
    { name: 'record read from the log', perCrawl: reads, us: readUs },
    ...(writes === 0 ? [] : [{ name: append, perCrawl: writes, us: togetherUs }]),
  ];
}

export function requestAppendStep({ aloneUs }: LogCosts): Step {
  const name = `durable append, ${group} requests at once, one record each`;
  return { name, perCrawl: 2, us: aloneUs };
}

function recordsOf(events: CrawlLog['payments'], topic: string): NewRecord[] {
  return Array.from({ length: recordsPerRound }, (_, index) => {
    const event = events[index % events.length] as (typeof events)[number];
    const key = 'payer' in event.data ? (event.data.payer as string) : '';
    return { topic, partition: 0, key, value: encodeEvent(event) };
  });
}

type Append = (
  producer: ReturnType<EventLog['producer']>,
  records: readonly NewRecord[],
) => Promise<unknown>;

async function appendUs(log: EventLog, records: readonly NewRecord[], append: Append) {
  const producer = log.producer();
  const us = await cpuUsOfRounds(rounds, async () => {
    for (let from = 0; from < records.length; from += group) {
      await append(producer, records.slice(from, from + group));
    }
  });
  await producer.close();
  return us / records.length;
}

async function readUs(log: EventLog, topic: string): Promise<number> {
  const { next } = await log.offsets({ topic, partition: 0 });
  const us = await cpuUsOfRounds(rounds, async () => {
    for (let offset = 0; offset < next; offset += batchRecords) {
      await log.read({ topic, partition: 0 }, offset, batchRecords);
    }
  });
  return us / next;
}
