import type { EventLog } from '@paycrawl/event-log/event-log';
import { decodeEvent } from '@paycrawl/events/event';
import { physicalTopic } from '@paycrawl/events/topics';
import type { LoadSummary } from './run-load.js';

/** Where each partition of the challenges ended. */
export type ChallengesMark = readonly number[];

const topic = physicalTopic('challenges');
const readRecordsMax = 10_000;
/** Kinds of answers that are right only as an offer, and an offer is durable before it is sent. */
const offers = ['challenge', 'elsewhere'];

export async function markChallenges(log: EventLog): Promise<ChallengesMark> {
  const topics = await log.topics();
  const partitions = topics.find(({ name }) => name === topic)?.partitions ?? 0;
  const numbers = Array.from({ length: partitions }, (_, partition) => partition);
  return Promise.all(
    numbers.map(async (partition) => (await log.offsets({ topic, partition })).next),
  );
}

/** How many offers were written since. */
export async function challengesIssued(log: EventLog, since: ChallengesMark): Promise<number> {
  let issued = 0;
  const ends = await markChallenges(log);
  for (const [partition, end] of ends.entries()) {
    for (let offset = since[partition] ?? 0; offset < end; ) {
      const most = Math.min(readRecordsMax, end - offset);
      const records = await log.read({ topic, partition }, offset, most);
      for (const { value } of records) {
        const decoded = decodeEvent(value);
        if (decoded.kind === 'event' && decoded.event.type === 'ChallengeIssued') issued += 1;
      }
      offset = (records.at(-1)?.offset ?? end) + 1;
    }
  }
  return issued;
}

/** How many of the load's offers are not in the log; other traffic may have had its own. */
export async function challengesMissing(
  log: EventLog,
  since: ChallengesMark,
  { kinds }: LoadSummary,
): Promise<number> {
  const answered = offers.reduce((sum, kind) => sum + (kinds[kind]?.right ?? 0), 0);
  return Math.max(0, answered - (await challengesIssued(log, since)));
}
