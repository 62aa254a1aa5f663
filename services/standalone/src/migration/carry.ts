import { carryProjection } from '@paycrawl/analytics/projection/migrate';
import { fail } from '@paycrawl/errors/paycrawl-error';
import { partitionForKey } from '@paycrawl/event-log/partitioner';
import { carryBooks } from '@paycrawl/metering/books/migrate';
import { openChargeKey } from '@paycrawl/metering/books/state';
import { joinSettlement, partSettlement, type Waiting } from '@paycrawl/settlement/batches/migrate';
import type { Settings } from '@paycrawl/settlement/batches/state';
import { carryAdmission } from '@paycrawl/verifier/admission/migrate';

export type Entry = readonly [key: string, value: unknown];
/** The state of one fold, by partition. */
export type States = readonly (readonly Entry[])[];

export interface Carrying {
  readonly generation: number;
  readonly partitions: number;
  readonly nowMs: number;
}

export interface Carried {
  readonly verifier: Entry[][];
  readonly metering: Entry[][];
  readonly settlement: Entry[][];
  readonly analytics: Entry[][];
}

/** The states of all folds in their new partitions; pure, and the same however often (ADR 0007). */
export function carry(old: Readonly<Record<keyof Carried, States>>, of: Carrying): Carried {
  const waiting = waitingOf(old.settlement, of.nowMs);
  return {
    verifier: carryVerifier(old.verifier, of.partitions),
    metering: carryMetering(old.metering, waiting.all, of.partitions),
    settlement: carrySettlement(old.settlement, waiting, of),
    analytics: carryAnalytics(old.analytics, of.partitions),
  };
}

/** One value for all partitions: the highest version, of equals the one of the lowest partition. */
function createShared() {
  const newest = new Map<string, { entry: Entry; version: number }>();
  return {
    add(entry: Entry, version: number) {
      const known = newest.get(entry[0]);
      if (known === undefined || version > known.version) newest.set(entry[0], { entry, version });
    },
    intoAll(partitions: Entry[][]) {
      for (const { entry } of newest.values()) for (const one of partitions) one.push(entry);
    },
  };
}

function empty(partitions: number): Entry[][] {
  return Array.from({ length: partitions }, () => []);
}

function place(into: Entry[][], payer: string, entry: Entry): void {
  into[partitionForKey(payer, into.length)]?.push(entry);
}

function carryVerifier(old: States, partitions: number): Entry[][] {
  const into = empty(partitions);
  const shared = createShared();
  for (const state of old) {
    const byKey = new Map(state);
    const admissionOf = (key: string) =>
      byKey.get(key) as ReturnType<Parameters<typeof carryAdmission>[1]>;
    for (const entry of state) {
      const carried = carryAdmission(entry, admissionOf);
      if (carried?.to === 'payer') place(into, carried.payer, carried.entry);
      if (carried?.to === 'everywhere') shared.add(carried.entry, carried.version);
    }
  }
  shared.intoAll(into);
  return into;
}

interface AllWaiting {
  readonly all: readonly Waiting[];
  readonly parts: readonly ReturnType<typeof partSettlement>[];
}

function waitingOf(old: States, nowMs: number): AllWaiting {
  const parts = old.map((state) => partSettlement(state, nowMs));
  const all = parts.flatMap(({ charges, dueAtMs }) =>
    charges.map((charge) => {
      const { network, asset } = charge.due;
      return { charge, dueAtMs: dueAtMs.get(`${network}/${asset}`) ?? nowMs };
    }),
  );
  return { all, parts };
}

function carrySettlement(old: States, { all, parts }: AllWaiting, of: Carrying): Entry[][] {
  const byPartition: Waiting[][] = Array.from({ length: of.partitions }, () => []);
  for (const one of all) {
    byPartition[partitionForKey(one.charge.due.payer, of.partitions)]?.push(one);
  }
  let settings: Settings | undefined;
  for (const part of parts) {
    if (part.settings !== undefined && part.settings.version > (settings?.version ?? 0)) {
      settings = part.settings;
    }
  }
  if (old.length > of.partitions) throw fail('migration_counts_invalid', 'lanes would be lost');
  return byPartition.map((waiting, partition) => [
    ...joinSettlement({
      ...{ generation: of.generation, waiting, settings },
      lanes: parts[partition]?.lanes ?? [],
    }),
  ]);
}

/** The books know open charges by id alone; settlement, which has the same, knows the payer. */
function carryMetering(old: States, waiting: readonly Waiting[], partitions: number): Entry[][] {
  const into = empty(partitions);
  const shared = createShared();
  const payers = new Map(
    waiting.map(({ charge: { due } }) => [openChargeKey(due.chargeId), due.payer]),
  );
  let open = 0;
  for (const [partition, state] of old.entries()) {
    for (const one of state) {
      const carried = carryBooks(one);
      if (carried?.to === 'same') into[partition]?.push(carried.entry);
      if (carried?.to === 'everywhere') shared.add(carried.entry, carried.version);
      if (carried?.to !== 'charge') continue;
      const payer = payers.get(carried.key);
      if (payer === undefined) {
        throw fail('migration_state_unknown', `${carried.key} is in the books alone`);
      }
      open += 1;
      place(into, payer, carried.entry);
    }
  }
  if (open !== payers.size) {
    const detail = `${payers.size} charges wait for settlement, ${open} are open in the books`;
    throw fail('migration_state_unknown', detail);
  }
  shared.intoAll(into);
  return into;
}

function carryAnalytics(old: States, partitions: number): Entry[][] {
  const into = empty(partitions);
  for (const state of old) {
    const byKey = new Map(state);
    const crawlOf = (key: string) =>
      byKey.get(key) as ReturnType<Parameters<typeof carryProjection>[1]>;
    for (const entry of state) {
      const carried = carryProjection(entry, crawlOf);
      if (carried !== undefined) place(into, carried.payer, carried.entry);
    }
  }
  return into;
}
