import { rm } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { fail } from '@paycrawl/errors/paycrawl-error';
import type { EventLog } from '@paycrawl/event-log/event-log';
import { enterGeneration } from '@paycrawl/event-log/generation';
import { type AnyEvent, type EventOfType, encodeEvent } from '@paycrawl/events/event';
import {
  type PartitionCounts,
  physicalTopic,
  type TopicName,
  topicConfigs,
} from '@paycrawl/events/topics';
import { encodeEntity } from '@paycrawl/fold/entity';
import { writeSeed } from '@paycrawl/fold/seed';
import {
  type Batch,
  batchKey,
  isClosing,
  isClosed as isLaneClosed,
} from '@paycrawl/settlement/batches/state';
import { closedKey } from '@paycrawl/verifier/admission/state';
import type { Closed } from './after-close.js';
import { type Carried, carry, type Entry } from './carry.js';
import { carryWishes } from './late-wishes.js';
import { type OldFold, type OldFoldName, oldFoldNames, openOldFold } from './old-folds.js';
import { carryStragglers } from './stragglers.js';

export interface MigrateOptions {
  readonly log: EventLog;
  readonly partitions: number;
  /** As many as payer partitions when absent. */
  readonly publisherPartitions: number | undefined;
  readonly isDryRun: boolean;
  /** For the states of the old folds; emptied before and after. */
  readonly scratch: string;
  /** How long settlement may take to end what is in flight. */
  readonly waitMs: number;
  clock(): number;
  write(line: string): void;
  /** Makes what is kept outside of the log ready for so many partitions. */
  prepare?(counts: PartitionCounts): Promise<void>;
  /** After each named step; only tests listen. */
  onStep?(step: MigrationStep): void;
}

export const migrationSteps = [
  'closing',
  'drained',
  'payments_closed',
  'charges_closed',
  'carried',
  'topics_made',
  'seeded',
  'wishes_carried',
  'opened',
] as const;
export type MigrationStep = (typeof migrationSteps)[number];

type OldFolds = Readonly<Record<OldFoldName, readonly OldFold[]>>;

interface Migration extends MigrateOptions {
  /** The old one. */
  readonly generation: number;
  readonly old: OldFolds;
  readonly counts: PartitionCounts;
}

const askAgainMs = 250;
const seeds = [
  ['verifier', 'payments'],
  ['metering', 'decisions'],
  ['analytics', 'decisions'],
  ['settlement', 'charges'],
] as const satisfies readonly (readonly [keyof Carried, TopicName])[];

/** Moves the platform to topics with more partitions; may be killed and run again (ADR 0007). */
export async function migrate(options: MigrateOptions): Promise<void> {
  const { log, partitions, write } = options;
  const { generation } = await enterGeneration(log);
  const configs = new Map((await log.topics()).map((topic) => [topic.name, topic]));
  const present = configs.get(physicalTopic('payments'))?.partitions;
  if (present === undefined) throw fail('log_unknown_partition', 'There is no platform here.');
  if (present === partitions && generation > 1) {
    write(`generation ${generation} with ${present} partitions is in force already`);
    await carryLate({ log, generation: generation - 1, partitions }, write);
    return;
  }
  const publisher = options.publisherPartitions ?? partitions;
  if (partitions <= present) {
    throw fail('migration_counts_invalid', `${partitions} asked for, ${present} there`);
  }
  await rm(options.scratch, { recursive: true, force: true });
  const old = await openOldFolds(options, present);
  const counts = { payer: partitions, publisher };
  try {
    write(`generation ${generation}, ${present} partitions; asked for ${partitions}`);
    await run({ ...options, generation, old, counts }, configs.get(physicalTopic('challenges')));
  } finally {
    await Promise.all(all(old).map((one) => one.close()));
    await rm(options.scratch, { recursive: true, force: true });
  }
}

async function run(
  migration: Migration,
  challenges: { retentionMs: number | 'forever' } | undefined,
): Promise<void> {
  const { log, counts, generation, write, old } = migration;
  const step = (name: MigrationStep) => migration.onStep?.(name);
  await foldAll(old);
  if (migration.isDryRun) return describe(carryAll(migration), migration);
  await appendWhere(migration, 'charges', 'PartitionClosing', (p) => !isClosing(viewOf(old, p)));
  step('closing');
  await whenNothingIsInFlight(migration);
  step('drained');
  await migration.prepare?.(counts);
  await appendWhere(migration, 'payments', 'PartitionClosed', (p) => !isAdmissionClosed(old, p));
  write('admission is closed');
  const closedMs = migration.clock();
  step('payments_closed');
  await foldUntilQuiet(old);
  await appendWhere(migration, 'charges', 'PartitionClosed', (p) => !isLaneClosed(viewOf(old, p)));
  step('charges_closed');
  await foldUntilQuiet(old);
  const carried = carryAll(migration);
  describe(carried, migration);
  step('carried');
  const retentionMs = challenges?.retentionMs;
  const kept = typeof retentionMs === 'number' ? retentionMs : 30 * 24 * 3600 * 1000;
  await log.createTopics(topicConfigs(counts, kept, generation + 1));
  step('topics_made');
  await seedAll(migration, carried);
  step('seeded');
  const closed = { log, generation, partitions: counts.payer };
  // Before it is open, so that who was frozen meanwhile pays nothing there.
  const wishes = await carryWishes(closed);
  step('wishes_carried');
  await open(migration);
  step('opened');
  write(`generation ${generation + 1} is in force: ${counts.payer} partitions`);
  write(`no payment was decided for ${migration.clock() - closedMs} ms`);
  await carryLate(closed, write, wishes);
}

async function carryLate(
  closed: Closed,
  write: MigrateOptions['write'],
  wishesBefore = 0,
): Promise<void> {
  const wishes = wishesBefore + (await carryWishes(closed));
  if (wishes > 0) write(`${wishes} late wishes of operators were carried over`);
  write(`${await carryStragglers(closed)} late outcomes were carried over`);
}

function viewOf(old: OldFolds, partition: number) {
  const fold = old.settlement[partition] as OldFold;
  return { nowMs: 0, get: fold.get, range: () => [] };
}

function isAdmissionClosed(old: OldFolds, partition: number): boolean {
  return old.verifier[partition]?.get(closedKey) !== undefined;
}

async function openOldFolds(
  { log, scratch, isDryRun }: MigrateOptions,
  partitions: number,
): Promise<OldFolds> {
  const open = async (name: OldFoldName) => {
    const opened: OldFold[] = [];
    for (let partition = 0; partition < partitions; partition += 1) {
      opened.push(await openOldFold({ log, scratch, mayWrite: !isDryRun }, name, partition));
    }
    return [name, opened] as const;
  };
  const folds = [];
  for (const name of oldFoldNames) folds.push(await open(name));
  return Object.fromEntries(folds) as unknown as OldFolds;
}

function all(old: OldFolds): OldFold[] {
  return oldFoldNames.flatMap((name) => old[name]);
}

/** In the order in which records go; resolves to how many outputs said something. */
async function foldAll(old: OldFolds): Promise<number> {
  let outputs = 0;
  for (const name of ['verifier', 'metering', 'settlement'] as const) {
    for (const fold of old[name]) outputs += await fold.toEnd();
  }
  return outputs;
}

async function foldUntilQuiet(old: OldFolds): Promise<void> {
  // What was written in a pass is read in the next: one that writes nothing has read everything.
  while ((await foldAll(old)) > 0);
  for (const fold of old.analytics) await fold.toEnd();
}

async function whenNothingIsInFlight(migration: Migration): Promise<void> {
  const { old, clock, waitMs, write } = migration;
  const deadlineMs = clock() + waitMs;
  let told = '';
  for (;;) {
    await foldAll(old);
    const open = old.settlement.flatMap((fold) =>
      fold
        .entries()
        .filter(([key]) => key.startsWith(batchKey('')))
        .map(([, batch]) => (batch as Batch).batchId),
    );
    if (open.length === 0) return;
    if (clock() >= deadlineMs) throw fail('migration_batches_open', open.join(', '));
    const line = `waiting for the chain: ${open.join(', ')}`;
    if (line !== told) write(line);
    told = line;
    await pause(askAgainMs);
  }
}

async function appendWhere(
  { log, old, generation, clock }: Migration,
  topic: 'payments' | 'charges',
  type: 'PartitionClosing' | 'PartitionClosed',
  isMissing: (partition: number) => boolean,
): Promise<void> {
  const partitions = old.verifier.map(({ partition }) => partition).filter(isMissing);
  const event = eventOf(type, { generation }, `close/${generation}`, clock());
  const producer = log.producer();
  try {
    await producer.append(
      partitions.map((partition) => ({
        ...{ topic: physicalTopic(topic), partition, key: 'generation' },
        value: encodeEvent(event),
      })),
    );
  } finally {
    await producer.close();
  }
}

function carryAll({ old, counts, generation }: Migration): Carried {
  const states = (name: OldFoldName) => old[name].map((fold) => fold.entries());
  return carry(
    {
      verifier: states('verifier'),
      metering: states('metering'),
      settlement: states('settlement'),
      analytics: states('analytics'),
    },
    { generation: generation + 1, partitions: counts.payer, nowMs: latestMs(old) },
  );
}

function latestMs(old: OldFolds): number {
  return all(old).reduce((latest, fold) => Math.max(latest, fold.nowMs()), 0);
}

async function seedAll(migration: Migration, carried: Carried): Promise<void> {
  const { log, generation, old } = migration;
  const nowMs = latestMs(old);
  for (const [fold, topic] of seeds) {
    for (const [partition, entries] of carried[fold].entries()) {
      const target = { topic: physicalTopic(topic, generation + 1), partition };
      const stored = entries.map(([key, value]) => [key, encodeEntity(value)] as const);
      await writeSeed(log, target, { fold, generation: generation + 1, nowMs, entries: stored });
    }
  }
}

async function open({ log, counts, generation, clock }: Migration): Promise<void> {
  const data = {
    generation: generation + 1,
    payerPartitions: counts.payer,
    publisherPartitions: counts.publisher,
  };
  const event = eventOf('GenerationOpened', data, `open/${generation + 1}`, clock());
  const producer = log.producer();
  try {
    const place = { topic: physicalTopic('registry'), partition: 0, key: 'generation' };
    await producer.append([{ ...place, value: encodeEvent(event) }]);
  } finally {
    await producer.close();
  }
}

function eventOf<Type extends 'GenerationOpened' | 'PartitionClosing' | 'PartitionClosed'>(
  type: Type,
  data: EventOfType<Type>['data'],
  what: string,
  timeMs: number,
): AnyEvent {
  return { type, id: `migrate/${what}`, source: 'migrate', timeMs, data } as AnyEvent;
}

const kinds = { 'n/': 'proofs', 'p/': 'accounts', 'open/': 'open charges', 'c/': 'charges' };

function describe(carried: Carried, { write }: MigrateOptions): void {
  for (const [fold] of seeds) {
    const entries: Entry[] = carried[fold].flat();
    const counts = Object.entries(kinds).flatMap(([prefix, name]) => {
      const count = entries.filter(([key]) => key.startsWith(prefix)).length;
      return count === 0 ? [] : [`${count} ${fold === 'analytics' ? 'crawls' : name}`];
    });
    write(`${fold}: ${[`${entries.length} entries`, ...counts].join(', ')}`);
  }
}
