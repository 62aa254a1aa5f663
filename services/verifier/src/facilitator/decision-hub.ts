import type { EventLog, LogRecord, Tail } from '@paycrawl/event-log/event-log';
import type { Wakeups } from '@paycrawl/event-log/wakeups';
import { type AnyEvent, decodeEvent } from '@paycrawl/events/event';
import { physicalTopic } from '@paycrawl/events/topics';
import type { ChargeEnd } from '../admission/state.js';

/**
 * What becomes of the proofs that this facilitator wrote: first by wake-up, and in any case from
 * the log, which is read only while somebody waits.
 */
export interface DecisionHub {
  /** Call before the proof is appended; nothing that is decided after that is missed. */
  expect(of: { partition: number; requestId: string; chargeId: string }): Promise<Expected>;
  close(): Promise<void>;
}

export interface Expected {
  readonly decision: Promise<Decision>;
  readonly end: Promise<ChargeEnd>;
  /** Of the transaction that was sent last, or empty. */
  transactionHash(): string;
  cancel(): void;
}

export type Decision =
  | { readonly kind: 'accepted'; readonly end: ChargeEnd | undefined }
  | { readonly kind: 'rejected'; readonly code: string };

export interface HubOptions {
  readonly log: EventLog;
  readonly wakeups: Wakeups;
  readonly ingressId: string;
  /** How long a partition is read on after the last one who waited. */
  readonly lingerMs: number;
  onError(error: unknown): void;
}

interface Waiter {
  readonly requestId: string;
  readonly chargeId: string;
  readonly decided: (decision: Decision) => void;
  readonly ended: (end: ChargeEnd) => void;
  transactionHash: string;
}

interface Reader {
  readonly tails: Promise<Tail[]>;
  users: number;
  idle: NodeJS.Timeout | undefined;
}

interface Hub {
  readonly options: HubOptions;
  readonly byRequest: Map<string, Waiter>;
  readonly byCharge: Map<string, Set<Waiter>>;
  /** Charges that are waited for, by the batch that holds them. */
  readonly batches: Map<string, readonly string[]>;
  readonly readers: Map<number, Reader>;
}

export function createDecisionHub(options: HubOptions): DecisionHub {
  const hub: Hub = {
    options,
    byRequest: new Map(),
    byCharge: new Map(),
    batches: new Map(),
    readers: new Map(),
  };
  const leave = options.wakeups.subscribe(options.ingressId, (events) => {
    for (const event of events) take(hub, event);
  });
  return {
    expect: async ({ partition, requestId, chargeId }) => {
      const reader = readerOf(hub, partition);
      reader.users += 1;
      clearTimeout(reader.idle);
      await reader.tails;
      const expected = wait(hub, requestId, chargeId);
      return {
        ...expected,
        cancel: () => {
          expected.cancel();
          release(hub, partition, reader);
        },
      };
    },
    close: async () => {
      leave();
      const readers = [...hub.readers.values()];
      hub.readers.clear();
      await Promise.allSettled(readers.map(stop));
    },
  };
}

function wait(hub: Hub, requestId: string, chargeId: string): Expected {
  let decided: (decision: Decision) => void = () => {};
  let ended: (end: ChargeEnd) => void = () => {};
  const decision = new Promise<Decision>((resolve) => {
    decided = resolve;
  });
  const end = new Promise<ChargeEnd>((resolve) => {
    ended = resolve;
  });
  const waiter: Waiter = { requestId, chargeId, decided, ended, transactionHash: '' };
  hub.byRequest.set(requestId, waiter);
  const same = hub.byCharge.get(chargeId) ?? new Set();
  hub.byCharge.set(chargeId, same.add(waiter));
  const cancel = (): void => {
    hub.byRequest.delete(requestId);
    same.delete(waiter);
    if (same.size === 0) hub.byCharge.delete(chargeId);
    if (hub.byCharge.size === 0) hub.batches.clear();
  };
  return { decision, end, transactionHash: () => waiter.transactionHash, cancel };
}

function readerOf(hub: Hub, partition: number): Reader {
  const known = hub.readers.get(partition);
  if (known !== undefined) return known;
  const reader: Reader = { tails: startTails(hub, partition), users: 0, idle: undefined };
  hub.readers.set(partition, reader);
  // Who expects is told by its own await; the next one tries anew.
  reader.tails.catch(() => forget(hub, partition, reader));
  return reader;
}

async function startTails(hub: Hub, partition: number): Promise<Tail[]> {
  const { log, ingressId, onError } = hub.options;
  const start = async (topic: string, isOurs: (record: LogRecord) => boolean): Promise<Tail> => {
    const fromOffset = (await log.offsets({ topic, partition })).next;
    return log.tail({
      topic,
      partition,
      fromOffset,
      onRecords: async (records) => {
        for (const record of records) if (isOurs(record)) read(hub, record);
      },
      onError: (error) => {
        onError(error);
        const reader = hub.readers.get(partition);
        if (reader !== undefined) forget(hub, partition, reader);
      },
    });
  };
  // Crawls are most of what is decided: a look at the bytes is cheaper than reading them all.
  const isFacilitated = ({ value }: LogRecord) =>
    value.includes('"facilitated"') || value.includes(ingressId);
  return Promise.all([
    start(physicalTopic('decisions'), isFacilitated),
    start(physicalTopic('settlements'), () => true),
  ]);
}

function forget(hub: Hub, partition: number, reader: Reader): void {
  if (hub.readers.get(partition) === reader) hub.readers.delete(partition);
}

function release(hub: Hub, partition: number, reader: Reader): void {
  reader.users -= 1;
  if (reader.users > 0) return;
  reader.idle = setTimeout(() => {
    forget(hub, partition, reader);
    void stop(reader);
  }, hub.options.lingerMs);
  reader.idle.unref();
}

async function stop({ tails, idle }: Reader): Promise<void> {
  clearTimeout(idle);
  for (const tail of await tails.catch(() => [])) await tail.close();
}

function read(hub: Hub, { value }: LogRecord): void {
  const decoded = decodeEvent(value);
  if (decoded.kind === 'event') take(hub, decoded.event);
}

function take(hub: Hub, event: AnyEvent): void {
  switch (event.type) {
    case 'PaymentAccepted':
      return hub.byRequest.get(event.data.requestId)?.decided({ kind: 'accepted', end: undefined });
    case 'LeaseGranted':
      return hub.byRequest
        .get(event.data.requestId)
        ?.decided({ kind: 'accepted', end: event.data.end });
    case 'PaymentRejected':
      return hub.byRequest
        .get(event.data.requestId)
        ?.decided({ kind: 'rejected', code: event.data.code });
    case 'ChargeSettled': {
      const { chargeId, transactionHash } = event.data;
      return endCharge(hub, chargeId, { kind: 'settled', transactionHash });
    }
    case 'ChargeUncollectible': {
      const { chargeId, reason } = event.data;
      return endCharge(hub, chargeId, { kind: 'uncollectible', reason });
    }
    case 'BatchSealed': {
      const ours = event.data.chargeIds.filter((chargeId) => hub.byCharge.has(chargeId));
      if (ours.length > 0) hub.batches.set(event.data.batchId, ours);
      return;
    }
    case 'BatchSubmitted':
      for (const chargeId of hub.batches.get(event.data.batchId) ?? []) {
        for (const waiter of hub.byCharge.get(chargeId) ?? []) {
          waiter.transactionHash = event.data.transactionHash;
        }
      }
      return;
    default:
      return; // of no concern to a facilitated proof
  }
}

function endCharge(hub: Hub, chargeId: string, end: ChargeEnd): void {
  for (const waiter of hub.byCharge.get(chargeId) ?? []) waiter.ended(end);
}
