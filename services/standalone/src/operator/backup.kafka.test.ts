import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasCode } from '@paycrawl/errors/paycrawl-error';
import type { EventLog } from '@paycrawl/event-log/event-log';
import { openKafkaImport } from '@paycrawl/event-log/kafka/import';
import { openKafkaLog } from '@paycrawl/event-log/kafka-log';
import { openLmdbImport } from '@paycrawl/event-log/lmdb/import';
import { openLmdbLog } from '@paycrawl/event-log/lmdb-log';
import { startKafka, wipeKafka } from '@paycrawl/testkit/kafka-broker';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { backup } from './backup.js';
import { contentOf, fill } from './log-copy.given.js';
import { restore } from './restore.js';

let directory: string;
let brokers: readonly string[];

const at = (name: string) => join(directory, name);

/** Empty brokers: the topics have the platform's names. */
async function freshKafka(name: string): Promise<EventLog> {
  ({ brokers } = await startKafka({ directory: at(name), nodes: 1 }));
  return openKafkaLog({ brokers, clientId: name });
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'paycrawl-backup-'));
});

afterAll(async () => {
  for (const name of ['one', 'two']) await wipeKafka(at(name));
  await rm(directory, { recursive: true, force: true });
});

test('behavior: from brokers to a folder, to other brokers and to LMDB: the same log', async () => {
  const one = await freshKafka('one');
  await fill(one);
  const content = await contentOf(one);
  await backup(one, at('backup'), 5_000);
  const refused = await restore(openKafkaImport({ brokers, clientId: 'r' }), at('backup')).catch(
    (error: unknown) => error,
  );
  expect(hasCode(refused, 'restore_not_empty')).toBe(true);
  expect(await contentOf(one)).toEqual(content);
  await one.close();
  await wipeKafka(at('one'));

  const two = await freshKafka('two');
  await restore(openKafkaImport({ brokers, clientId: 'restore' }), at('backup'));
  expect(await contentOf(two)).toEqual(content);
  // From here on the brokers give the time again, whatever a record brings.
  const beforeMs = Date.now();
  const [appended] = await two
    .producer()
    .append([{ topic: 'payments.1', partition: 1, key: 'k', value: Buffer.from('x') }]);
  expect(appended?.offset).toBe(100);
  expect(appended?.timestampMs).toBeGreaterThanOrEqual(beforeMs);
  await two.close();

  await restore(openLmdbImport(at('lmdb')), at('backup'));
  const lmdb = openLmdbLog({ directory: at('lmdb'), retentionEveryMs: 0 });
  expect(await contentOf(lmdb)).toEqual(content);
  await lmdb.close();
}, 180_000);
