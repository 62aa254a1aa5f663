import type { Caused } from '@paycrawl/fold/fold';
import {
  createNativeWriter,
  type NativeRows,
  type NativeWriter,
} from '@paycrawl/warehouse/native-rows';
import type { Table } from './output.js';
import type { EventOutputs } from './projection-fold.js';
import { rowOf, schemas, tables } from './rows.js';

type Output = Caused<EventOutputs>;
type Entity = Extract<EventOutputs[number], { readonly key: string }>;
/** The state, and what caused it: not the outputs beside it, which die young. */
interface Newer {
  entity: Entity;
  cause: Output['cause'];
  nowMs: number;
}
/** By key within its table: the last output that tells of it. */
type Newest = ReadonlyMap<Table, Map<string, Newer>>;

/** What gathers until it is written: rows are bytes at once, entities wait for their newest state. */
export interface Block {
  outputsCount: number;
  /** Log time of the oldest output. */
  oldestMs: number;
  /** Who has news. */
  readonly publishers: Set<string>;
  readonly deadLetters: Output[];
  readonly traced: Output[];
  readonly rows: ReadonlyMap<Table, NativeWriter>;
  /** Partitions fold apart: a key names an entity within one of them. */
  readonly newest: Map<string, Map<number, Newest>>;
}

export function emptyBlock(): Block {
  return {
    outputsCount: 0,
    oldestMs: Number.POSITIVE_INFINITY,
    publishers: new Set(),
    deadLetters: [],
    traced: [],
    rows: new Map(tables.map((table) => [table, createNativeWriter(schemas[table])])),
    newest: new Map(),
  };
}

export function addToBlock(block: Block, caused: Output): void {
  block.outputsCount += 1;
  block.oldestMs = Math.min(block.oldestMs, caused.nowMs);
  if (caused.trace !== undefined) block.traced.push(caused);
  let entities: Newest | undefined;
  for (const output of caused.output) {
    if (output.table === 'dead-letters') {
      block.deadLetters.push(caused);
      continue;
    }
    if ('key' in output && output.key !== undefined) {
      entities ??= newestOf(block, caused);
      keepNewest(entities.get(output.table), output, caused);
      continue;
    }
    if (output.table === 'facts') block.publishers.add(output.fact.publisher);
    else if (output.table === 'ledger_entries') block.publishers.add(output.entry.publisher);
    block.rows.get(output.table)?.add(rowOf(output, caused));
  }
}

function keepNewest(ofTable: Map<string, Newer> | undefined, entity: Entity, output: Output): void {
  const { cause, nowMs } = momentOf(entity, output);
  const known = ofTable?.get(entity.key);
  if (known === undefined) {
    ofTable?.set(entity.key, { entity, cause, nowMs });
    return;
  }
  known.entity = entity;
  known.cause = cause;
  known.nowMs = nowMs;
}

/** A total is told after all records of a batch, and was changed by some of them last. */
function momentOf(entity: Entity, caused: Output): Pick<Output, 'cause' | 'nowMs'> {
  if (!('at' in entity) || entity.at === undefined) return caused;
  const [topic, partition, , place] = caused.cause;
  return { cause: [topic, partition, entity.at.offset, place], nowMs: entity.at.nowMs };
}

function newestOf({ newest }: Block, { cause }: Output): Newest {
  const [topic, partition] = cause;
  const ofTopic = newest.get(topic) ?? new Map<number, Newest>();
  newest.set(topic, ofTopic);
  const known = ofTopic.get(partition);
  if (known !== undefined) return known;
  const none: Newest = new Map(tables.map((table) => [table, new Map()]));
  ofTopic.set(partition, none);
  return none;
}

/** The rows of every table, once: facts before totals; of an entity only its newest state. */
export function rowsOfBlock({ rows, newest }: Block): (readonly [Table, NativeRows])[] {
  for (const ofTopic of newest.values()) {
    for (const ofPartition of ofTopic.values()) {
      for (const [table, entities] of ofPartition) {
        const ofTable = rows.get(table);
        for (const newer of entities.values()) ofTable?.add(rowOf(newer.entity, newer));
      }
    }
  }
  newest.clear();
  return [...rows].flatMap(([table, writer]) =>
    writer.take().map((taken) => [table, taken] as const),
  );
}
