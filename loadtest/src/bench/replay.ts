import { randomBytes } from 'node:crypto';
import type { LogRecord } from '@paycrawl/event-log/event-log';
import { type AnyEvent, encodeEvent } from '@paycrawl/events/event';
import { chargeId, payerId } from '@paycrawl/events/ids';
import { physicalTopic } from '@paycrawl/events/topics';
import type { LogOutput } from '@paycrawl/fold/fold';
import { createLogSink, deadLetterOf } from '@paycrawl/fold/log-sink';
import { createPartition } from '@paycrawl/fold/partition';
import { createMemoryStore } from '@paycrawl/fold/store';
import { admission } from '@paycrawl/verifier/admission/decide';
import { discardingLog } from './discarding-log.js';

export interface ReplayFigures {
  readonly events: number;
  readonly eventsPerS: number;
}

const batchRecords = 500;
const payersMax = 1000;
const network = 'eip155:84532';
const asset = '0x036cbd53842c5426634e7929541ec2318f3dcf7e';

/** Decodes, folds and encodes the outputs of `crawls` paid crawls: the verifier's replay. */
export async function benchReplay(crawls: number): Promise<ReplayFigures> {
  const records = recordsOf(crawls);
  const partition = createPartition<LogOutput>({
    fold: admission as never,
    partition: 0,
    store: createMemoryStore(),
    sink: createLogSink(discardingLog(), 'verifier'),
    deadLetter: deadLetterOf('verifier'),
    onBroken: (error) => {
      throw error;
    },
  });
  const startedMs = performance.now();
  for (let at = 0; at < records.length; at += batchRecords) {
    await partition.fold(records.slice(at, at + batchRecords));
  }
  await partition.drained();
  await partition.checkpoint();
  const seconds = (performance.now() - startedMs) / 1000;
  return { events: records.length, eventsPerS: Math.round(records.length / seconds) };
}

/** Funds of every payer, then proof and delivery of each crawl. */
function recordsOf(crawls: number): LogRecord[] {
  const payers = Array.from({ length: Math.min(payersMax, crawls) }, () => randomAddress());
  const records: LogRecord[] = [];
  const add = (key: string, event: Omit<AnyEvent, 'id' | 'source' | 'timeMs'>): void => {
    const offset = records.length;
    const whole = { ...event, id: `bench/${offset}`, source: 'bench', timeMs: 1_000_000 + offset };
    records.push({
      topic: physicalTopic('payments'),
      partition: 0,
      offset,
      timestampMs: 1_000_000 + offset,
      key,
      value: encodeEvent(whole as AnyEvent),
    });
  };
  for (const from of payers) add(payerId(network, from), fundsOf(from));
  for (let i = 0; i < crawls; i++) {
    const from = payers[i % payers.length] as string;
    const proof = proofOf(from, i);
    add(proof.data.payer, proof);
    const { chargeId: id, payer, requestId } = proof.data;
    add(payer, {
      type: 'CrawlDelivered',
      data: {
        chargeId: id,
        payer,
        requestId,
        leaseId: `${id}:1`,
        outcome: 'delivered',
        status: 200,
        bytes: 2048,
      },
    });
  }
  return records;
}

function fundsOf(from: string) {
  return {
    type: 'FundsObserved' as const,
    data: {
      payer: payerId(network, from),
      network,
      asset,
      balance: '1000000000000',
      hasCode: false,
      blockNumber: 1,
      blockHash: `0x${'ab'.repeat(32)}`,
      blockTimestampS: 1,
      nonces: [],
    },
  };
}

function proofOf(from: string, i: number) {
  const nonce = `0x${randomBytes(32).toString('hex')}`;
  const payTo = `0x${'cd'.repeat(20)}`;
  return {
    type: 'ProofReceived' as const,
    data: {
      chargeId: chargeId(network, asset, from, nonce),
      payer: payerId(network, from),
      publisherId: 'demo',
      network,
      asset,
      amount: '1000',
      method: 'GET',
      host: 'site.example',
      path: `/articles/${i % 100}`,
      crawler: 'GPTBot',
      ruleId: 'ai-agents',
      ruleVersion: 1,
      dialect: 'x402-v2-exact' as const,
      kind: 'crawl' as const,
      requestId: `r${i}`,
      ingressId: 'i1',
      payTo,
      authorization: {
        from,
        to: payTo,
        value: '1000',
        validAfter: '0',
        validBefore: '4000000000',
        nonce,
      },
      signature: `0x${'11'.repeat(65)}`,
      signatureCheck: { kind: 'recovered' as const },
      decideWithinMs: 2000,
      leaseMs: 30_000,
    },
  };
}

function randomAddress(): string {
  return `0x${randomBytes(20).toString('hex')}`;
}
