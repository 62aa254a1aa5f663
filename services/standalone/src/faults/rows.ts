import type { FaultRow } from './fault.js';
import { brokerDies } from './rows/broker.js';
import { crashAtSteps } from './rows/crash-steps.js';
import { networkFails } from './rows/network.js';
import { rebalances } from './rows/rebalances.js';

/** The matrix, in the order in which it is run and printed. */
export const rows: readonly FaultRow[] = [crashAtSteps, brokerDies, networkFails, rebalances];
