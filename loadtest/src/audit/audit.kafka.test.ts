import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EventLog } from '@paycrawl/event-log/event-log';
import { openKafkaLog } from '@paycrawl/event-log/kafka-log';
import { openLmdbLog } from '@paycrawl/event-log/lmdb-log';
import { physicalTopic, type TopicName, topicConfigs } from '@paycrawl/events/topics';
import { startKafka, wipeKafka } from '@paycrawl/testkit/kafka-broker';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  crawl,
  createPlatformLog,
  observe,
  type PlatformLog,
  seal,
  settle,
} from './platform-log.given.js';
import { runAudit } from './run-audit.js';

let directory: string;
let brokers: readonly string[];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'paycrawl-audit-'));
  // A broker of its own: the topics have the platform's names.
  ({ brokers } = await startKafka({ directory: join(directory, 'kafka'), nodes: 1 }));
}, 120_000);

afterAll(async () => {
  await wipeKafka(join(directory, 'kafka'));
  await rm(directory, { recursive: true, force: true });
});

const openers: Record<string, () => EventLog> = {
  lmdb: () => openLmdbLog({ directory: join(directory, 'log') }),
  kafka: () => openKafkaLog({ brokers, clientId: 'audit-test' }),
};
const groups = { verifier: 'payments', metering: 'decisions', settlement: 'charges' } as const;

async function write(log: EventLog, topics: PlatformLog['topics']): Promise<void> {
  const producer = log.producer();
  for (const records of Object.values(topics)) {
    if (records.length > 0) await producer.append(records);
  }
  await producer.close();
}

/** Every fold has finished with everything that is there. */
async function commitAll(log: EventLog): Promise<void> {
  for (const [groupId, topic] of Object.entries(groups)) {
    const place = { topic: physicalTopic(topic as TopicName), partition: 0 };
    const { next } = await log.offsets(place);
    let assigned: () => void = () => {};
    const owned = new Promise<void>((resolve) => {
      assigned = resolve;
    });
    const member = await log.joinGroup({
      ...{ groupId, topics: [place.topic] },
      onAssign: async ({ partition }) => {
        if (partition === 0) assigned();
        return next;
      },
      onRecords: async () => {},
      onRevoke: async () => {},
      onError: () => {},
    });
    await owned;
    await member.commit(place, next);
    await member.close();
  }
}

async function auditLines(openLog: () => EventLog): Promise<string[]> {
  const lines: string[] = [];
  await runAudit({
    openLog,
    ...{ runFile: join(directory, 'none.json'), rpcUrl: undefined },
    reconciliation: { attempts: 1, pauseMs: 1 },
    write: (line) => void lines.push(line),
  });
  return lines;
}

test('behavior: the audit says the same about the same records, whichever log holds them', async () => {
  const said: Record<string, string[][]> = {};
  for (const [kind, open] of Object.entries(openers)) {
    const log = open();
    await log.createTopics(topicConfigs({ payer: 2, publisher: 2 }, 60_000));
    const { topics } = crawled();
    await write(log, topics);
    const unfolded = await auditLines(open);
    await commitAll(log);
    const clean = await auditLines(open);
    // Bytes that the fold has passed without a dead letter.
    const torn = topics.payments.slice(-1).map((one) => ({ ...one, value: Buffer.from('torn') }));
    await write(log, { ...empty, payments: torn });
    await commitAll(log);
    said[kind] = [unfolded, clean, await auditLines(open)];
    await log.close();
  }
  expect(said.kafka).toEqual(said.lmdb);
  const [unfolded, clean, broken] = said.kafka ?? [];
  expect(unfolded?.[0]).toMatch(/records; 0 charged.* [1-9][0-9]* not folded yet$/);
  expect(clean?.[0]).toMatch(/records; 3 charged, 2 settled, 1 on their way.* 0 not folded yet$/);
  expect(clean?.at(-1)).toBe('loss 0, duplicates 0');
  expect(broken?.at(-1)).toBe('loss 1, duplicates 0');
}, 120_000);

const { topics: empty } = createPlatformLog();

function crawled(): PlatformLog {
  const log = createPlatformLog();
  observe(log, '10000', 10);
  for (const n of [1, 2, 3]) crawl(log, n);
  seal(log, [1, 2, 3]);
  settle(log, 1);
  settle(log, 2);
  return log;
}
