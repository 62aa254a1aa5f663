import { randomInt } from 'node:crypto';
import { fail } from '@paycrawl/errors/paycrawl-error';
import type { EventLog } from '@paycrawl/event-log/event-log';
import { decodeEvent } from '@paycrawl/events/event';
import { physicalTopic } from '@paycrawl/events/topics';
import { appendProof } from './append-payers.js';

/** Proofs of known payers, one in each partition, that wait in the log for whoever decides. */
export interface Probes {
  /** Resolves when all of them are accepted; fails when one is refused, or after minutes. */
  decided(): Promise<void>;
}

const timeoutMs = 300_000;
const pollMs = 10;

/** `samples[p]`: a payer of partition `p` whose funds are known. */
export async function appendProbes(log: EventLog, samples: readonly string[]): Promise<Probes> {
  const partitions = samples.length;
  const topic = physicalTopic('decisions');
  const asked = await Promise.all(
    samples.map(async (from, partition) => {
      const { next } = await log.offsets({ topic, partition });
      const requestId = await appendProof(log, { from, partitions, i: randomInt(2 ** 40) });
      return { partition, requestId, fromOffset: next };
    }),
  );
  return {
    async decided() {
      await Promise.all(asked.map((probe) => whenAccepted(log, { topic, ...probe })));
    },
  };
}

interface Probe {
  readonly topic: string;
  readonly partition: number;
  readonly requestId: string;
  readonly fromOffset: number;
}

async function whenAccepted(
  log: EventLog,
  { topic, partition, requestId, fromOffset }: Probe,
): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  let offset = fromOffset;
  while (performance.now() < deadlineMs) {
    const records = await log.read({ topic, partition }, offset, 100);
    for (const { value } of records) {
      const read = decodeEvent(value);
      if (read.kind !== 'event') continue;
      const { type, data } = read.event;
      if (type === 'PaymentAccepted' && data.requestId === requestId) return;
      // A payer that was forgotten is asked about, or refused.
      if (type === 'PaymentRejected' && data.requestId === requestId) {
        throw fail('bench_failed', `A known payer was refused: ${data.code}.`);
      }
    }
    offset = (records.at(-1)?.offset ?? offset - 1) + 1;
    if (records.length === 0) await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  throw fail('bench_failed', 'A proof of a known payer was not decided.');
}
