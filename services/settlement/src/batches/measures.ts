import type { EventOfType } from '@paycrawl/events/event';
import { shareRoundingUp } from '@paycrawl/money/money';
import type { DriverContext } from './driver-context.js';
import {
  clockDifferenceMs,
  type Lane,
  laneOf,
  marginMs,
  type Pool,
  poolKey,
  settingsOf,
  slowestConfirmationMs,
} from './state.js';

type Measured = EventOfType<'SettlementMeasured'>['data'];

/** Gas of one more transfer in a batch, before any batch was measured. */
const transferGasEstimate = 80_000n;

/** Publishes queue, rate and margin when they changed, at most once per interval. */
export async function publishMeasures(context: DriverContext): Promise<void> {
  const { memory, settings, owned } = context;
  const nowMs = context.clock();
  if (nowMs - memory.measuredAtMs < settings.measureIntervalMs) return;
  const lane = laneOf(owned.state, settings.network);
  if (lane === undefined) return;
  const data = await measure(context, lane);
  memory.measuredAtMs = nowMs;
  const text = JSON.stringify(data);
  if (text === memory.measured) return;
  const id = `settlement/${owned.partition}/measured/${nowMs}`;
  const type = 'SettlementMeasured';
  await context.publish({ type, id, source: 'settlement', timeMs: nowMs, data });
  memory.measured = text;
}

async function measure(context: DriverContext, lane: Lane): Promise<Measured> {
  const { owned, settings } = context;
  const queueCharges = owned.state
    .range<Pool>(poolKey(`${settings.network}/`))
    .reduce((sum, [, pool]) => sum + pool.queued + pool.alone, 0);
  const slowestMs = slowestConfirmationMs(lane);
  const { batchChargesMax, batchesInFlightMax } = settingsOf(owned.state);
  // What the lane can carry at the slowest confirmation seen; not how much it happened to get.
  const roundMs = Math.max(1_000, slowestMs);
  const perRound = batchChargesMax * batchesInFlightMax;
  return {
    partition: owned.partition,
    network: settings.network,
    queueCharges,
    ratePerMinute: Math.floor((perRound * 60_000) / roundMs),
    slowestConfirmationMs: slowestMs,
    clockDifferenceMs: clockDifferenceMs(lane),
    marginS: Math.ceil(marginMs(owned.state, lane, queueCharges) / 1000),
    gasCostWeiPerCharge: (await gasCostWeiPerCharge(context, lane)).toString(),
  };
}

/** Of the newest batch that paid gas; before the first one, by the fees of the first look. */
async function gasCostWeiPerCharge(context: DriverContext, lane: Lane): Promise<bigint> {
  const paid = lane.confirmations.filter(
    ({ gasCostWei, charges }) => gasCostWei !== '0' && charges,
  );
  const newest = paid.at(-1);
  if (newest !== undefined) {
    return shareRoundingUp(BigInt(newest.gasCostWei), BigInt(newest.charges));
  }
  const { memory } = context;
  if (memory.gasEstimateWei === undefined) {
    const { baseFeeWei, tipWei } = await context.chain.fees();
    memory.gasEstimateWei = (baseFeeWei + tipWei) * transferGasEstimate;
  }
  return memory.gasEstimateWei;
}
