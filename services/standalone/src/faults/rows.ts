import type { FaultRow } from './fault.js';
import { restoredElsewhere } from './rows/backup.js';
import { brokerDies } from './rows/broker.js';
import { chainFaults } from './rows/chain.js';
import { clickHouseAway } from './rows/clickhouse.js';
import { crashAtSteps } from './rows/crash-steps.js';
import { freezes } from './rows/freeze.js';
import { networkFails } from './rows/network.js';
import { poisonedRecords } from './rows/poison.js';
import { rebalances } from './rows/rebalances.js';
import { replayed } from './rows/replay.js';
import { rollingRestart } from './rows/rolling-restart.js';
import { visibleRevenue } from './rows/visible.js';

/** The matrix, in the order in which it is run and printed. */
export const rows: readonly FaultRow[] = [
  crashAtSteps,
  brokerDies,
  networkFails,
  rebalances,
  rollingRestart,
  clickHouseAway,
  chainFaults,
  poisonedRecords,
  freezes,
  visibleRevenue,
  replayed,
  restoredElsewhere,
];
