import type { AnyEvent } from '@paycrawl/events/event';

/** An event and the log time of its record. */
export interface Timed {
  readonly event: AnyEvent;
  readonly atMs: number;
}

/** What the log says of one batch, and when its block was first seen. */
interface BatchTimes {
  readonly charges: number;
  readonly sealedMs: number;
  proposedMs?: number;
  sentMs?: number;
  minedMs?: number;
  deepMs?: number;
  observedMs?: number;
  attempts: number;
}

export interface LaneFigures {
  readonly batches: readonly BatchTimes[];
  /** From the first charge to the last one in line. */
  readonly waitingMs: number;
  /** Of that: until the lane's first transaction was taken by the node. */
  readonly firstMs: number;
  /** Of that, after the first one: no transaction of the lane was waiting for a block. */
  readonly idleMs: number;
  /** Of that: all batches that may be in flight were sent and not yet confirmed. */
  readonly fullMs: number;
  readonly unminedMax: number;
}

interface LaneSettings {
  readonly finalityDepth: number;
  readonly batchesInFlightMax: number;
}

/** One lane, from the records of its `charges` and `settlements`, oldest first. */
export function laneFigures(
  records: readonly Timed[],
  blockSeenMs: ReadonlyMap<number, number>,
  { finalityDepth, batchesInFlightMax }: LaneSettings,
): LaneFigures {
  const batches = new Map<string, BatchTimes>();
  const dueMs: number[] = [];
  for (const { event, atMs } of records) {
    if (event.type === 'ChargeDue') dueMs.push(atMs);
    if (event.type !== 'BatchSealed') continue;
    const charges = event.data.chargeIds.length;
    batches.set(event.data.batchId, { charges, sealedMs: atMs, attempts: 0 });
  }
  // A batch may be signed, and its attempt in the log, before the log holds that it was sealed.
  for (const { event, atMs } of records) {
    if (!('data' in event && 'batchId' in event.data)) continue;
    const batch = batches.get(event.data.batchId);
    if (batch !== undefined) note(batch, event, atMs, blockSeenMs, finalityDepth);
  }
  const all = [...batches.values()];
  return { batches: all, ...idleOf(dueMs, all, batchesInFlightMax) };
}

function note(
  batch: BatchTimes,
  event: AnyEvent,
  atMs: number,
  blockSeenMs: ReadonlyMap<number, number>,
  finalityDepth: number,
): void {
  if (event.type === 'AttemptProposed') {
    batch.proposedMs ??= atMs;
    batch.attempts += 1;
  }
  if (event.type === 'AttemptSubmitted') batch.sentMs ??= atMs;
  if (event.type !== 'BatchObserved' || batch.observedMs !== undefined) return;
  batch.observedMs = atMs;
  const { mined } = event.data;
  if (mined.by !== 'attempt') return;
  batch.minedMs = blockSeenMs.get(mined.minedBlockNumber) ?? atMs;
  batch.deepMs = blockSeenMs.get(mined.minedBlockNumber + finalityDepth) ?? atMs;
}

/** Charges wait until they are sent; a lane is busy while one of its transactions has no block. */
function idleOf(
  dueMs: readonly number[],
  batches: readonly BatchTimes[],
  inFlightMax: number,
): Omit<LaneFigures, 'batches'> {
  const steps = stepsOf(dueMs, batches);
  let [waiting, unmined, inFlight, unminedMax] = [0, 0, 0, 0];
  let [waitingMs, idleMs, fullMs] = [0, 0, 0];
  const beganMs = steps[0]?.atMs ?? 0;
  let lastMs = beganMs;
  let firstMs: number | undefined;
  for (const step of steps) {
    const passedMs = waiting > 0 ? step.atMs - lastMs : 0;
    waitingMs += passedMs;
    if (unmined === 0 && firstMs !== undefined) {
      idleMs += passedMs;
      if (inFlight >= inFlightMax) fullMs += passedMs;
    }
    if (step.unmined > 0) firstMs ??= step.atMs - beganMs;
    waiting += step.waiting;
    unmined += step.unmined;
    inFlight += step.inFlight;
    unminedMax = Math.max(unminedMax, unmined);
    lastMs = step.atMs;
  }
  return { waitingMs, firstMs: firstMs ?? 0, idleMs, fullMs, unminedMax };
}

interface Step {
  readonly atMs: number;
  readonly waiting: number;
  readonly unmined: number;
  readonly inFlight: number;
}

function stepsOf(dueMs: readonly number[], batches: readonly BatchTimes[]): readonly Step[] {
  const nothing = { waiting: 0, unmined: 0, inFlight: 0 };
  const steps: Step[] = dueMs.map((atMs) => ({ ...nothing, atMs, waiting: 1 }));
  for (const { charges, sentMs, minedMs, observedMs } of batches) {
    if (sentMs === undefined) continue;
    // A node may mine in the moment before the log has it that the bytes were sent.
    const endMs = Math.max(minedMs ?? sentMs, sentMs);
    steps.push({ atMs: sentMs, waiting: -charges, unmined: 1, inFlight: 1 });
    steps.push({ ...nothing, atMs: endMs, unmined: -1 });
    if (observedMs !== undefined) steps.push({ ...nothing, atMs: observedMs, inFlight: -1 });
  }
  return steps.sort((a, b) => a.atMs - b.atMs);
}

export interface Stage {
  readonly what: string;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Where the time of a batch goes, step after step. */
export function stagesOf(lanes: readonly LaneFigures[]): readonly Stage[] {
  const batches = lanes.flatMap((lane) => lane.batches);
  const stage = (what: string, from: keyof BatchTimes, to: keyof BatchTimes): Stage => {
    const took = batches.flatMap((batch) => {
      const [beganMs, endMs] = [batch[from], batch[to]];
      return beganMs === undefined || endMs === undefined ? [] : [Math.max(0, endMs - beganMs)];
    });
    took.sort((a, b) => a - b);
    const at = (share: number): number => took[Math.floor((took.length - 1) * share)] ?? 0;
    return { what, p50Ms: at(0.5), p99Ms: at(0.99) };
  };
  return [
    stage('sealed → signed and in the log', 'sealedMs', 'proposedMs'),
    stage('in the log → taken by the node', 'proposedMs', 'sentMs'),
    stage('taken by the node → in a block', 'sentMs', 'minedMs'),
    stage('in a block → at depth', 'minedMs', 'deepMs'),
    stage('at depth → every outcome proven and in the log', 'deepMs', 'observedMs'),
    stage('sealed → confirmed', 'sealedMs', 'observedMs'),
  ];
}
