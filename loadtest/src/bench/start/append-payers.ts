import type { EventLog, NewRecord } from '@paycrawl/event-log/event-log';
import { partitionForKey } from '@paycrawl/event-log/partitioner';
import { type AnyEvent, encodeEvent } from '@paycrawl/events/event';
import { physicalTopic } from '@paycrawl/events/topics';
import {
  deliveredOf,
  fundsOf,
  notDeliveredOf,
  payerOf,
  proofOf,
  randomAddress,
} from '../admission-records.js';

/**
 * How the one crawl of each payer stands: charged and not yet settled, released (nobody behind
 * the verifier gets to do with it), or still a hold.
 */
export type CrawlStanding = 'charged' | 'released' | 'held';

export interface PayersOptions {
  readonly payers: number;
  readonly partitions: number;
  readonly standing: CrawlStanding;
}

const payersPerAppend = 1_000;
const appendsInFlight = 8;
const samplesOfPartition = 8;

type Told = Pick<AnyEvent, 'type' | 'data'>;

/**
 * Writes the stories of so many payers, each with money and one crawl, to the verifier's input;
 * returns a few payers of each partition.
 */
export async function appendPayers(log: EventLog, options: PayersOptions): Promise<string[][]> {
  const { payers, partitions } = options;
  const producer = log.producer();
  const samples = Array.from({ length: partitions }, (): string[] => []);
  const waiting: Promise<unknown>[] = [];
  try {
    for (let from = 0; from < payers; from += payersPerAppend) {
      const records: NewRecord[] = [];
      for (let i = from; i < Math.min(from + payersPerAppend, payers); i++) {
        const address = randomAddress();
        const place = placeOf(address, partitions);
        const sample = samples[place.partition] as string[];
        if (sample.length < samplesOfPartition) sample.push(address);
        for (const told of storyOf(address, i, options.standing)) {
          records.push({ ...place, value: bytesOfTold(told, `bench/${i}/${told.type}`) });
        }
      }
      waiting.push(producer.append(records));
      if (waiting.length >= appendsInFlight) await waiting.shift();
    }
    await Promise.all(waiting);
    return samples;
  } finally {
    await producer.close();
  }
}

/** One more proof of a payer; returns the request that the decision will name. */
export async function appendProof(
  log: EventLog,
  { from, partitions, i }: { from: string; partitions: number; i: number },
): Promise<string> {
  const producer = log.producer();
  const proof = proofOf(from, i);
  await producer.append([
    { ...placeOf(from, partitions), value: bytesOfTold(proof, `bench/${i}`) },
  ]);
  await producer.close();
  return proof.data.requestId;
}

function storyOf(from: string, i: number, standing: CrawlStanding): Told[] {
  const proof = proofOf(from, i);
  const opened: Told[] = [fundsOf(from), proof];
  if (standing === 'charged') opened.push(deliveredOf(proof.data));
  if (standing === 'released') opened.push(notDeliveredOf(proof.data));
  return opened;
}

function placeOf(from: string, partitions: number): Omit<NewRecord, 'value'> {
  const key = payerOf(from);
  return { topic: physicalTopic('payments'), partition: partitionForKey(key, partitions), key };
}

function bytesOfTold(told: Told, id: string): Buffer {
  return encodeEvent({ ...told, id, source: 'bench', timeMs: Date.now() } as AnyEvent);
}
