import { fail } from '@paycrawl/errors/paycrawl-error';
import { readTimer, timerEntry } from '@paycrawl/fold/timers';
import {
  type Charge,
  chargeKey,
  closingKey,
  generationKey,
  heldKey,
  type Pool,
  poolKey,
  poolOf,
  queueKey,
  type Settings,
  settingsKey,
} from './state.js';

export type Entry = readonly [key: string, value: unknown];

/** The state of one old partition, taken apart. */
export interface Parted {
  readonly charges: readonly Charge[];
  /** Lanes stay with the partition number, because its signer does. */
  readonly lanes: readonly Entry[];
  readonly settings: Settings | undefined;
  /** When the line of each pool was to move; the past where it was due already. */
  readonly dueAtMs: ReadonlyMap<string, number>;
}

/** Fails with `migration_batches_open` while anything is in flight. */
export function partSettlement(entries: Iterable<Entry>, nowMs: number): Parted {
  const charges: Charge[] = [];
  const lanes: Entry[] = [];
  const dueAtMs = new Map<string, number>();
  let settings: Settings | undefined;
  for (const [key, value] of entries) {
    switch (key.split('/', 1)[0]) {
      case 'c':
        charges.push(value as Charge);
        break;
      case 'lane':
      // A freeze stands in the partition of its signer's lane, too.
      case 'frozen':
        lanes.push([key, value]);
        break;
      case settingsKey:
        settings = value as Settings;
        break;
      case 'pool': {
        const { timerAtMs, isDue } = value as Pool;
        dueAtMs.set(key.slice(poolKey('').length), isDue ? nowMs : (timerAtMs ?? nowMs));
        break;
      }
      case 'b':
        throw fail('migration_batches_open', `batch ${key.slice('b/'.length)} is in flight`);
      // Made again from the charges: queues, charges held back, timers of lines.
      case 'q':
      case 'a':
      case 'h':
      case closingKey:
      case generationKey:
      case '~a':
      case '~g':
        break;
      case '~t':
        if (!readTimer(key)?.key.startsWith(poolKey(''))) throw unknown(key);
        break;
      default:
        throw unknown(key);
    }
  }
  return { charges, lanes, settings, dueAtMs };
}

function unknown(key: string) {
  return fail('migration_state_unknown', `settlement: ${key}`);
}

/** A charge with the moment at which its line was to move. */
export interface Waiting {
  readonly charge: Charge;
  readonly dueAtMs: number;
}

/** The whole state of one new partition. */
export function joinSettlement(of: {
  readonly generation: number;
  readonly waiting: readonly Waiting[];
  readonly lanes: readonly Entry[];
  readonly settings: Settings | undefined;
}): Entry[] {
  const entries: Entry[] = [[generationKey, of.generation], ...of.lanes];
  if (of.settings !== undefined) entries.push([settingsKey, of.settings]);
  const pools = new Map<string, Pool & { readonly timerAtMs: number }>();
  for (const { charge, dueAtMs } of of.waiting) {
    const { chargeId, network, asset } = charge.due;
    entries.push([chargeKey(chargeId), charge]);
    if (charge.status === 'held') entries.push([heldKey(chargeId), chargeId]);
    if (charge.status === 'in_batch') {
      throw fail('migration_batches_open', `charge ${chargeId} is in batch ${charge.batchId}`);
    }
    if (charge.status !== 'queued' && charge.status !== 'alone') continue;
    entries.push([queueKey(charge), chargeId]);
    const name = poolOf(charge.due);
    const pool = pools.get(name);
    const timerAtMs = Math.min(pool?.timerAtMs ?? dueAtMs, dueAtMs);
    pools.set(name, {
      ...{ network, asset, timerAtMs, isDue: false },
      queued: (pool?.queued ?? 0) + (charge.isAlone ? 0 : 1),
      alone: (pool?.alone ?? 0) + (charge.isAlone ? 1 : 0),
    });
  }
  for (const [name, pool] of pools) {
    entries.push([poolKey(name), pool], [timerEntry(pool.timerAtMs, poolKey(name)), true]);
  }
  return entries;
}
