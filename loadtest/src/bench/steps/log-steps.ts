import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EventLog, NewRecord } from '@paycrawl/event-log/event-log';
import { openLmdbLog } from '@paycrawl/event-log/lmdb-log';
import { encodeEvent } from '@paycrawl/events/event';
import { physicalTopic, topicConfigs } from '@paycrawl/events/topics';
import type { Step } from './budget.js';
import { cpuUsOfRounds } from './cpu-per-call.js';
import { type CrawlLog, crawlEventTypes, readersOf } from './crawl-events.js';

const group = 64;
const recordsPerRound = 6_400;
const rounds = 3;
const batchRecords = 500;

/** The embedded log: what makes a record durable, and what reads it again. */
export async function logSteps(crawls: CrawlLog): Promise<Step[]> {
  const directory = await mkdtemp(join(tmpdir(), 'paycrawl-steps-'));
  const log = openLmdbLog({ directory });
  try {
    await log.createTopics(topicConfigs({ payer: 1, publisher: 1 }, 3_600_000));
    const payments = recordsOf(crawls.payments, physicalTopic('payments'));
    const decisions = recordsOf(crawls.decisions, physicalTopic('decisions'));
    const alone = await appendUs(log, payments, (producer, some) =>
      Promise.all(some.map((record) => producer.append([record]))),
    );
    const together = await appendUs(log, decisions, (producer, some) => producer.append(some));
    const read = await readUs(log, physicalTopic('payments'));
    const reads = crawlEventTypes.reduce((sum, type) => sum + readersOf[type], 0);
    return [
      {
        name: `durable append, ${group} requests at once, one record each`,
        perCrawl: 2,
        us: alone,
      },
      { name: `durable append of a fold, ${group} records at once`, perCrawl: 4, us: together },
      { name: 'record read from the log', perCrawl: reads, us: read },
    ];
  } finally {
    await log.close();
    await rm(directory, { recursive: true, force: true });
  }
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
