import {
  addToBlock,
  type Block,
  emptyBlock,
  rowsOfBlock,
} from '@paycrawl/analytics/projection/block';
import type { EventOutputs } from '@paycrawl/analytics/projection/projection-fold';
import { columnsOf } from '@paycrawl/analytics/projection/rows';
import { physicalTopic } from '@paycrawl/events/topics';
import type { Caused } from '@paycrawl/fold/fold';
import { createPartition } from '@paycrawl/fold/partition';
import { createMemoryStore } from '@paycrawl/fold/store';
import { normalSideOf } from '@paycrawl/ledger/account';
import type { Audit } from '@paycrawl/loadtest/audit/audit-log';
import { cellsOf } from '@paycrawl/warehouse/row-text';
import { projectionsOf } from './processes.js';
import { createWarehouseModel } from './warehouse-model.js';
import type { World } from './world.js';

/** The warehouse holds what a projection of the log from offset 0 holds, and the ledger's sums. */
export async function checkProjections(world: World, audit: Audit): Promise<void> {
  const rebuilt = createWarehouseModel();
  const block = emptyBlock();
  for (const fold of projectionsOf(world)) {
    const topic = physicalTopic(fold.input);
    const partitions = world.broker.topics.get(topic)?.partitions ?? 0;
    for (let partition = 0; partition < partitions; partition++) {
      const owner = createPartition<EventOutputs>({
        ...{ fold, partition, store: createMemoryStore(), onBroken: () => {} },
        deadLetter: () => [],
        sink: { write: async (outputs) => addAll(block, outputs), close: async () => {} },
      });
      await owner.fold(world.broker.all({ topic, partition }));
      await owner.drained();
    }
  }
  for (const [table, text] of rowsOfBlock(block)) {
    rebuilt.insert(table, columnsOf[table], cellsOf(text));
  }
  compare(world, rebuilt.contents());
  checkTotals(world, audit);
}

function addAll(block: Block, outputs: readonly Caused<EventOutputs>[]): void {
  for (const one of outputs) addToBlock(block, one);
}

function compare(world: World, rebuilt: ReadonlyMap<string, string>): void {
  const held = world.warehouse.contents();
  for (const [key, row] of rebuilt) {
    if (held.get(key) === row) continue;
    const found = held.get(key) ?? 'nothing';
    return world.find('projection_differs', key, `holds ${found}, rebuilt ${row}`);
  }
  for (const key of held.keys()) {
    if (!rebuilt.has(key)) return world.find('projection_extra', key, 'not in the log');
  }
}

/** Balances by purpose from the newest absolute totals equal those of the audited ledger. */
function checkTotals(world: World, audit: Audit): void {
  const projected = new Map<string, bigint>();
  for (const row of world.warehouse.rowsOf('ledger_totals')) {
    const account = String(row.account);
    const sum = BigInt(String(row.debits)) - BigInt(String(row.credits));
    projected.set(account, (projected.get(account) ?? 0n) + sum);
  }
  const booked = new Map<string, bigint>();
  for (const [name, balance] of audit.balances) {
    const account = name.split('/')[2] ?? name;
    const isDebit = normalSideOf(account as Parameters<typeof normalSideOf>[0]) === 'debit';
    booked.set(account, (booked.get(account) ?? 0n) + (isDebit ? balance : -balance));
  }
  for (const [account, sum] of booked) {
    if (projected.get(account) === sum) continue;
    const text = `ledger ${sum}, projection ${projected.get(account) ?? 0n}`;
    world.find('projection_unbalanced', account, text);
  }
}
