/**
 * A second process for the tests of the embedded log. It prints one line for each thing that
 * happened, so that a test compares what was promised with what stands in the log afterwards.
 */
import { writeSync } from 'node:fs';
import path from 'node:path';
import { PaycrawlError } from '@paycrawl/errors/paycrawl-error';
import { open } from 'lmdb';
import type { EventLog } from './event-log.js';
import { openLmdbLog } from './lmdb-log.js';

const [command = '', directory = '', topic = '', ...rest] = process.argv.slice(2);

function say(...words: (string | number | undefined)[]): void {
  process.stdout.write(`${words.join(' ')}\n`);
}

function codeOf(error: unknown): string {
  return error instanceof PaycrawlError ? error.code : String(error);
}

/** Several callers that each append one record after the other and print every acknowledgement. */
async function append(name: string, callers: number, recordsEach: number): Promise<void> {
  const log = openLmdbLog({ directory });
  const producer = log.producer();
  const call = async (caller: number) => {
    for (let i = 0; i < recordsEach; i += 1) {
      const key = `${name}-${caller}-${i}`;
      const record = { topic, partition: caller % 2, key, value: Buffer.alloc(800, key) };
      const [place] = await producer.append([record]);
      say('ack', place?.partition, place?.offset, key);
    }
  };
  try {
    await Promise.all(Array.from({ length: callers }, (_, caller) => call(caller)));
    say('done');
  } catch (error) {
    say('failed', codeOf(error));
    const record = { topic, partition: 0, key: 'later', value: Buffer.alloc(0) };
    await producer.append([record]).then(
      () => say('written after a failure'),
      (later: unknown) => say('refused', codeOf(later)),
    );
    await startAnew(log);
  }
  await log.close();
  say('closed');
}

/** A failed commit finishes its producers, not the log: a small record still finds a free page. */
async function startAnew(log: EventLog): Promise<void> {
  const producer = log.producer();
  const value = Buffer.alloc(800, 'anew');
  try {
    const [place] = await producer.append([{ topic, partition: 0, key: 'anew', value }]);
    say('ack', place?.partition, place?.offset, 'anew');
    say('anew');
  } catch (error) {
    say('again', codeOf(error));
  }
}

/** A member of a group that prints what it owns and commits what it reads. */
async function member(groupId: string, leaseMs: number): Promise<void> {
  const log = openLmdbLog({ directory, leaseMs });
  const joined = await log.joinGroup({
    groupId,
    topics: [topic],
    async onAssign({ partition }, committed) {
      say('assigned', partition, committed);
      return committed ?? 0;
    },
    async onRecords(place, records) {
      for (const record of records) say('record', place.partition, record.offset);
      await joined.commit(place, (records.at(-1)?.offset ?? -1) + 1);
      say('committed', place.partition);
    },
    async onRevoke({ partition }) {
      say('revoked', partition);
    },
    onError: (error) => say('error', codeOf(error)),
  });
  process.stdin.once('end', () => {
    log.close().then(() => say('closed'));
  });
  process.stdin.resume();
  say('joined');
}

/** Takes the write lock of the topic and freezes with it. */
function holdLock(): void {
  const place = path.join(directory, 'topics', topic, '0000000000');
  const db = open({ path: place, noSubdir: false, overlappingSync: false, maxDbs: 1 });
  db.transactionSync(() => {
    writeSync(1, 'held\n');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });
}

if (command === 'hold') holdLock();
if (command === 'append') await append(rest[0] ?? '', Number(rest[1]), Number(rest[2]));
if (command === 'member') await member(rest[0] ?? '', Number(rest[1]));
