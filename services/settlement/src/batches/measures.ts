import type { EventOfType } from '@paycrawl/events/event';
import { shareRoundingUp } from '@paycrawl/money/money';
import type { DriverContext } from './driver-context.js';
import {
  batchOf,
  clockDifferenceMs,
  type Lane,
  laneOf,
  marginAtMs,
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
  const slowestMs = confirmationMs(context, lane, queueCharges);
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
    marginS: Math.ceil(marginAtMs(owned.state, lane, queueCharges, slowestMs) / 1000),
    gasCostWeiPerCharge: (await gasCostWeiPerCharge(context, lane)).toString(),
  };
}

/** A confirmation that took so many times the usual one is no measure of the next. */
const outlierTimes = 8;
/** Of fewer none is the usual one. */
const usualOfMin = 3;

/**
 * At least as long as the oldest batch has been waiting for its own: a lane that stands still, for
 * want of gas or of a chain, ends the offers before what was sold dies in its line. With nothing
 * under way outliers are left out: nobody would buy after a single one, and then no quicker
 * confirmation could ever take its place.
 */
function confirmationMs(context: DriverContext, lane: Lane, queueCharges: number): number {
  const { owned, memory } = context;
  const nowMs = context.clock();
  const { batchIds, confirmations } = lane;
  if (batchIds.length === 0 && queueCharges === 0) {
    memory.idleSinceMs ??= nowMs;
    const floorMs = settingsOf(owned.state).deadlineMarginS * 1000;
    return idleConfirmationMs(confirmations, { idleMs: nowMs - memory.idleSinceMs, floorMs });
  }
  memory.idleSinceMs = undefined;
  const sealedMs = batchIds.map((id) => batchOf(owned.state, id)?.sealedAtMs ?? nowMs);
  return Math.max(slowestConfirmationMs(lane), nowMs - Math.min(nowMs, ...sealedMs));
}

/**
 * The first few say little of what is usual: they count for as long again as they took, and then
 * the floor of the margin does. Or a lane whose very first batch was stuck would never sell again.
 */
function idleConfirmationMs(
  confirmations: Lane['confirmations'],
  { idleMs, floorMs }: { readonly idleMs: number; readonly floorMs: number },
): number {
  const sortedMs = confirmations.map((one) => one.confirmationMs).sort((a, b) => a - b);
  const usualMs = sortedMs[(sortedMs.length - 1) >> 1] ?? 0;
  const slowestMs = sortedMs.findLast((ms) => ms <= outlierTimes * usualMs) ?? 0;
  const isOld = sortedMs.length < usualOfMin && idleMs > slowestMs;
  return isOld ? Math.min(slowestMs, floorMs) : slowestMs;
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
