import { createHash } from 'node:crypto';
import type { LogRecord } from '@paycrawl/event-log/event-log';
import { type AnyEvent, encodeEvent } from '@paycrawl/events/event';
import { physicalTopic } from '@paycrawl/events/topics';
import { applyEvent } from '@paycrawl/fold/partition';
import { createMemoryStore } from '@paycrawl/fold/store';
import { createWorking } from '@paycrawl/fold/view';
import { settlementFold } from '@paycrawl/settlement/batches/decide';
import { type Batch, batchKey, type Out } from '@paycrawl/settlement/batches/state';
import { proofOf, randomAddress } from './admission-records.js';

// `charges` as metering and settlement's driver write it. The fold itself says which batches are
// sealed, and what a driver would append for each of them comes a moment later.

const network = 'eip155:84532';
const signer = `0x${'5'.repeat(40)}`;
const startMs = 1_700_000_000_000;
const proposedAfterMs = 20;
const observedAfterMs = 1_500;
const timePassedIntervalMs = 1_000;
/** Of one transfer in the calldata of a batch. */
const callBytes = 480;

type Part = Pick<AnyEvent, 'type' | 'data'>;
type Coming = readonly [atMs: number, part: Part];

/** A history of so many charges at so many a second of its time, with what became of them. */
export function chargeRecords(charges: number, chargesPerS: number): LogRecord[] {
  const records: LogRecord[] = [];
  const payers = Array.from({ length: 1_000 }, () => randomAddress());
  const working = createWorking<Out>(createMemoryStore());
  let coming: Coming[] = [];
  const add = (atMs: number, part: Part): void => {
    const offset = records.length;
    const event = eventOf(part, offset, atMs);
    records.push(recordOf(event, offset, atMs));
    working.begin(atMs);
    applyEvent(settlementFold, working, event, { partition: 0, offset, key: '' });
    for (const { type, data } of working.keep()) {
      if (type !== 'BatchSealed') continue;
      const batch = working.view.get<Batch>(batchKey(data.batchId)) as Batch;
      coming.push(...comingOf(batch, atMs));
    }
    coming.sort(([a], [b]) => a - b);
  };
  let passedMs = 0;
  /** Appends everything that happens before the next charge does. */
  const passTo = (untilMs: number): void => {
    for (;;) {
      const timerMs = Math.max(working.earliestTimerMs() ?? untilMs, passedMs);
      const [nextMs, part] = coming[0] ?? [untilMs, undefined];
      if (Math.min(timerMs, nextMs) >= untilMs) return;
      if (timerMs < nextMs || part === undefined) {
        passedMs = timerMs + timePassedIntervalMs;
        add(timerMs, { type: 'TimePassed', data: {} });
      } else {
        coming = coming.slice(1);
        add(nextMs, part);
      }
    }
  };
  const genesisHash = `0x${'0'.repeat(64)}`;
  add(startMs, { type: 'LaneOpened', data: { network, signer, firstNonce: 0, genesisHash } });
  for (let i = 0; i < charges; i++) {
    const atMs = startMs + Math.floor((i * 1_000) / chargesPerS);
    passTo(atMs);
    add(atMs, dueOf(payers[i % payers.length] as string, i));
  }
  passTo(Number.POSITIVE_INFINITY);
  return records;
}

function dueOf(from: string, i: number): Part {
  const { chargeId, payer, publisherId, network, asset, amount, ...proof } = proofOf(from, i).data;
  const { kind, payTo, authorization, signature } = proof;
  const charge = { chargeId, payer, publisherId, network, asset, amount, kind };
  const once = { payTo, authorization, signature, settleAlone: false, sealAtOnce: false };
  return { type: 'ChargeDue', data: { ...charge, ...once } };
}

/** The driver signs it, sends it, and sees it at depth. */
function comingOf(batch: Batch, sealedMs: number): Coming[] {
  const { batchId, nonce } = batch;
  const chargeIds = [...batch.chargeIds];
  const transactionHash = hashOf(batchId);
  const proposed = {
    ...{ batchId, attempt: 1, network, signer, nonce, chargeIds, withCode: [], transactionHash },
    rawTransaction: `0x02${transactionHash.slice(2, 4).repeat(callBytes * chargeIds.length)}`,
    ...{ maxFeePerGas: '20000000000', maxPriorityFeePerGas: '1000000000' },
  };
  const blockNumber = nonce + 10;
  const observed = {
    ...{ batchId, network, blockNumber, blockHash: hashOf(`block ${blockNumber}`) },
    ...{ blockTimestampS: Math.floor(sealedMs / 1_000), clockDifferenceMs: 400 },
    mined: {
      ...{ by: 'attempt' as const, attempt: 1, transactionHash, succeeded: true },
      ...{ gasUsed: '5400000', gasCostWei: '108000000000000', minedBlockNumber: blockNumber - 3 },
    },
    answers: chargeIds.map((chargeId) => ({
      ...{ chargeId, answer: 'settled' as const, transactionHash },
    })),
  };
  const submitted = { batchId, attempt: 1, transactionHash };
  return [
    [sealedMs + proposedAfterMs, { type: 'AttemptProposed', data: proposed }],
    [sealedMs + 2 * proposedAfterMs, { type: 'AttemptSubmitted', data: submitted }],
    [sealedMs + observedAfterMs, { type: 'BatchObserved', data: observed }],
  ];
}

function hashOf(text: string): string {
  return `0x${createHash('sha256').update(text).digest('hex')}`;
}

/** Charges are outputs of metering's fold; the rest is the driver's. */
function eventOf(part: Part, offset: number, timeMs: number): AnyEvent {
  const id = `settlement/${offset}`;
  const cause = [physicalTopic('decisions'), 0, offset, 0] as const;
  const written =
    part.type === 'ChargeDue' ? { source: 'metering', cause } : { source: 'settlement' };
  return { ...part, ...written, id, timeMs } as AnyEvent;
}

function recordOf(event: AnyEvent, offset: number, timestampMs: number): LogRecord {
  const topic = physicalTopic('charges');
  return { topic, partition: 0, offset, timestampMs, key: 'k', value: encodeEvent(event) };
}
