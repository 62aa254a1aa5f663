import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EventLog } from '@paycrawl/event-log/event-log';
import { createMemoryLog } from '@paycrawl/event-log/memory-log';
import { partitionForKey } from '@paycrawl/event-log/partitioner';
import { type AnyEvent, decodeEvent, encodeEvent } from '@paycrawl/events/event';
import { physicalTopic, setGeneration, topicConfigs } from '@paycrawl/events/topics';
import {
  asset,
  network,
  nonce,
  payer,
  proofOf,
  t0,
} from '@paycrawl/verifier/admission/admission.given';
import type { Proof } from '@paycrawl/verifier/admission/state';
import { type MigrationStep, migrate } from './migrate.js';
import { type OldFoldName, oldFoldNames, openOldFold } from './old-folds.js';

/** Payers with one charge that waits and one hold each, in a log that nobody folded yet. */

export const root = mkdtempSync(join(tmpdir(), 'paycrawl-migrate-'));
export const payers = Array.from({ length: 12 }, (_, index) => payer(index + 1));
/** Of every payer: one charged, one held. */
export const charged = payers.map((who, index) => proofOf(100 + index, { payer: who }));
export const held = payers.map((who, index) => proofOf(200 + index, { payer: who }));
export const oldCount = 2;
export const newCount = 8;
let folder = 0;

export function forget(): void {
  setGeneration(1);
  rmSync(root, { recursive: true, force: true });
}

export function eventOf(type: AnyEvent['type'], data: unknown, id: string): AnyEvent {
  return { type, id, source: 'test', timeMs: t0, data } as AnyEvent;
}

export function deliveryOf({ chargeId, payer: who, requestId }: Proof): AnyEvent {
  const facts = { chargeId, payer: who, requestId, leaseId: `${chargeId}:1` };
  const data = { ...facts, outcome: 'delivered', status: 200, bytes: 512 };
  return eventOf('CrawlDelivered', data, `delivered/${chargeId}`);
}

export async function append(log: EventLog, who: string, event: AnyEvent): Promise<void> {
  const topic = physicalTopic('payments');
  const count = (await log.topics()).find(({ name }) => name === topic)?.partitions ?? 0;
  const partition = partitionForKey(who, count);
  const producer = log.producer();
  await producer.append([{ topic, partition, key: who, value: encodeEvent(event) }]);
  await producer.close();
}

/** A log of the first generation in which nothing was folded yet. */
export async function givenLog(
  log: EventLog = createMemoryLog({ clock: () => t0 }),
): Promise<EventLog> {
  setGeneration(1);
  await log.createTopics(topicConfigs({ payer: oldCount, publisher: oldCount }, 1_000_000));
  for (const [index, who] of payers.entries()) {
    const funds = {
      ...{ payer: who, network, asset, balance: '1000000', hasCode: false, blockNumber: 100 },
      ...{ blockHash: nonce(9), blockTimestampS: 1_800_000_000, nonces: [] },
    };
    await append(log, who, eventOf('FundsObserved', funds, `funds/${who}`));
    for (const proof of [charged[index], held[index]] as Proof[]) {
      await append(log, who, eventOf('ProofReceived', proof, proof.requestId));
    }
    await append(log, who, deliveryOf(charged[index] as Proof));
  }
  const lane = { network, signer: `0x${'5'.repeat(40)}`, firstNonce: 7, genesisHash: nonce(1) };
  const producer = log.producer();
  await producer.append([
    {
      ...{ topic: physicalTopic('charges'), partition: 1, key: 'lane' },
      value: encodeEvent(eventOf('LaneOpened', lane, 'lane')),
    },
  ]);
  await producer.close();
  return log;
}

export function grow(
  log: EventLog,
  onStep?: (step: MigrationStep) => void,
  partitions = newCount,
): Promise<void> {
  return migrate({
    ...{ log, partitions, publisherPartitions: undefined, isDryRun: false, waitMs: 0 },
    ...{ scratch: join(root, `${folder++}`), clock: () => t0, write: () => {} },
    ...(onStep && { onStep }),
  });
}

/** Every entry of every fold of the generation in force, in its partition. */
export async function states(
  log: EventLog,
  names: readonly OldFoldName[] = oldFoldNames,
): Promise<Map<OldFoldName, [string, unknown][][]>> {
  const count =
    (await log.topics()).find(({ name }) => name === physicalTopic('payments'))?.partitions ?? 0;
  const found = new Map<OldFoldName, [string, unknown][][]>();
  const scratch = join(root, `${folder++}`);
  for (const name of names) {
    const ofFold: [string, unknown][][] = [];
    for (let partition = 0; partition < count; partition += 1) {
      const fold = await openOldFold({ log, scratch, mayWrite: true }, name, partition);
      await fold.toEnd();
      ofFold.push(fold.entries());
      await fold.close();
    }
    found.set(name, ofFold);
  }
  return found;
}

export async function eventsOf(log: EventLog, topic: string): Promise<AnyEvent[]> {
  const count = (await log.topics()).find(({ name }) => name === topic)?.partitions ?? 0;
  const events: AnyEvent[] = [];
  for (let partition = 0; partition < count; partition += 1) {
    for (const { value } of await log.read({ topic, partition }, 0, 10_000)) {
      const decoded = decodeEvent(value);
      if (decoded.kind === 'event') events.push(decoded.event);
    }
  }
  return events;
}

export function keysOf(state: readonly (readonly [string, unknown][])[], prefix: string): string[] {
  return state
    .flat()
    .map(([key]) => key)
    .filter((key) => key.startsWith(prefix))
    .sort();
}

export function booksOf(state: readonly (readonly [string, unknown][])[]): Map<string, bigint> {
  const sums = new Map<string, bigint>();
  for (const [key, value] of state.flat()) {
    if (!key.startsWith('acc/')) continue;
    const { debit, credit } = value as { debit: bigint; credit: bigint };
    sums.set(key, (sums.get(key) ?? 0n) + debit - credit);
  }
  return sums;
}
