import type { ErrorCode } from '@paycrawl/errors/catalogue';
import type { EventLog, LogRecord } from '@paycrawl/event-log/event-log';
import type { Wakeups } from '@paycrawl/event-log/wakeups';
import { type AnyEvent, decodeEvent } from '@paycrawl/events/event';
import { physicalTopic } from '@paycrawl/events/topics';

/** What the verifier decided about the proof that one request presented. */
export type Decision =
  | {
      readonly kind: 'accepted';
      readonly leaseId: string;
      readonly leaseMs: number;
      /** `charged`: paid before, delivered again without a charge. */
      readonly charge: 'held' | 'charged';
    }
  | { readonly kind: 'rejected'; readonly code: ErrorCode }
  | { readonly kind: 'undecided' };

export interface Expectation {
  /** Never rejects; `undecided` when the time was over, or up to a quarter of it later. */
  readonly decision: Promise<Decision>;
  cancel(): void;
}

export interface Decisions {
  /** Call before the proof is appended: a decision may come before the append returns. */
  expect(partition: number, requestId: string): Expectation;
  /** Proofs that wait for their decision. */
  waiting(): number;
  close(): void;
}

export interface DecisionsOptions {
  readonly log: EventLog;
  readonly wakeups: Wakeups;
  readonly ingressId: string;
  readonly partitions: number;
  readonly timeoutMs: number;
  /** A wake-up may be lost: after this time the log itself is read. */
  readonly readLogAfterMs: number;
  readonly onReadError: (error: unknown) => void;
}

interface Waiting {
  readonly partition: number;
  readonly sinceMs: number;
  /** Every decision about it stands at or after this offset. */
  fromOffset: number;
  /** Undefined once it is settled. */
  resolve: ((decision: Decision) => void) | undefined;
}

interface State {
  readonly waiting: Map<string, Waiting>;
  /** Ends of the decision partitions as they were lately: lower bounds for new waits. */
  readonly ends: number[];
  readonly reading: Set<number>;
}

const endsIntervalMs = 1_000;
const readBatchRecords = 1_000;

/** Knows the ends of the partitions before it returns, so that no decision can be missed. */
export async function createDecisions(options: DecisionsOptions): Promise<Decisions> {
  const state: State = { waiting: new Map(), ends: [], reading: new Set() };
  await refreshEnds(state, options);
  const leave = options.wakeups.subscribe(options.ingressId, (events) => {
    for (const event of events) settle(state, event);
  });
  const ends = setInterval(
    () => void refreshEnds(state, options).catch(options.onReadError),
    endsIntervalMs,
  );
  const lookMs = Math.min(options.readLogAfterMs, options.timeoutMs) / 4;
  const late = setInterval(() => lookForLate(state, options), lookMs);
  ends.unref();
  return {
    expect: (partition, requestId) => expect(state, partition, requestId),
    waiting: () => state.waiting.size,
    close() {
      clearInterval(ends);
      clearInterval(late);
      leave();
      for (const id of [...state.waiting.keys()]) finish(state, id, { kind: 'undecided' });
    },
  };
}

function expect(state: State, partition: number, requestId: string): Expectation {
  const decision = new Promise<Decision>((resolve) => {
    state.waiting.set(requestId, {
      partition,
      sinceMs: performance.now(),
      fromOffset: state.ends[partition] ?? 0,
      resolve,
    });
  });
  return { decision, cancel: () => finish(state, requestId, { kind: 'undecided' }) };
}

function finish({ waiting }: State, requestId: string, decision: Decision): void {
  const one = waiting.get(requestId);
  if (one === undefined) return;
  waiting.delete(requestId);
  one.resolve?.(decision);
  // Old tables of a Map point to the new ones, so the collector meets it there for long.
  one.resolve = undefined;
}

function settle(state: State, event: AnyEvent): void {
  switch (event.type) {
    case 'PaymentAccepted':
    case 'LeaseGranted': {
      const { requestId, leaseId, leaseMs } = event.data;
      const charge = event.type === 'LeaseGranted' ? event.data.charge : 'held';
      finish(state, requestId, { kind: 'accepted', leaseId, leaseMs, charge });
      return;
    }
    case 'PaymentRejected': {
      const { requestId, code } = event.data;
      finish(state, requestId, { kind: 'rejected', code: code as ErrorCode });
      return;
    }
    default:
      return; // of no concern to a waiting request
  }
}

async function refreshEnds(state: State, { log, partitions }: DecisionsOptions): Promise<void> {
  const topic = physicalTopic('decisions');
  for (let partition = 0; partition < partitions; partition++) {
    state.ends[partition] = (await log.offsets({ topic, partition })).next;
  }
}

/** One look at all that wait: a timer for each would cost more than most of the waits. */
function lookForLate(state: State, options: DecisionsOptions): void {
  if (state.waiting.size === 0) return;
  const nowMs = performance.now();
  const late = new Set<number>();
  for (const [requestId, { partition, sinceMs }] of state.waiting) {
    const waitedMs = nowMs - sinceMs;
    if (waitedMs >= options.timeoutMs) finish(state, requestId, { kind: 'undecided' });
    else if (waitedMs >= options.readLogAfterMs && !state.reading.has(partition)) {
      late.add(partition);
    }
  }
  for (const partition of late) {
    state.reading.add(partition);
    readPartition(state, options.log, partition)
      .catch(options.onReadError)
      .finally(() => state.reading.delete(partition));
  }
}

/** From the earliest offset that anybody waiting needs to the end; the next read goes on there. */
async function readPartition(state: State, log: EventLog, partition: number): Promise<void> {
  const waiting = [...state.waiting.values()].filter((one) => one.partition === partition);
  let offset = Math.min(...waiting.map(({ fromOffset }) => fromOffset));
  if (!Number.isFinite(offset)) return;
  for (;;) {
    const records: LogRecord[] = await log.read(
      { topic: physicalTopic('decisions'), partition },
      offset,
      readBatchRecords,
    );
    for (const { value } of records) {
      const decoded = decodeEvent(value);
      if (decoded.kind === 'event') settle(state, decoded.event);
    }
    const last = records.at(-1);
    if (last === undefined) break;
    offset = last.offset + 1;
  }
  for (const one of waiting) one.fromOffset = Math.max(one.fromOffset, offset);
}
