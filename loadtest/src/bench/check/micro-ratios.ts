import { randomBytes } from 'node:crypto';
import { addToBlock, emptyBlock, rowsOfBlock } from '@paycrawl/analytics/projection/block';
import { decisionsFold } from '@paycrawl/analytics/projection/decisions-fold';
import { ledgerFold } from '@paycrawl/analytics/projection/ledger-fold';
import { addressOfPrivateKey, recoverAddress, signDigest } from '@paycrawl/crypto/recover';
import { type AnyEvent, decodeEvent, encodeEvent } from '@paycrawl/events/event';
import { readProof } from '@paycrawl/protocol/read-proof';
import { admission } from '@paycrawl/verifier/admission/decide';
import { type CrawlLog, crawlLogOf } from '../steps/crawl-events.js';
import { type CrawlWorld, createCrawlWorld } from '../steps/crawl-world.js';
import { openFolding } from '../steps/fold-events.js';
import type { Measured } from './bands.js';
import { interleaved, ofCosts, type Piece } from './interleave.js';

/** Work of this process beside its limit, both as processor time. */
export interface MicroRatio {
  readonly name: string;
  /** Does its work once. */
  readonly ours: () => unknown;
  readonly limit: () => unknown;
}

const crawls = 500;
const pairs = 11;
/** Of the work above in one turn: long enough that garbage falls into each of them. */
const timesPerTurn = 3;
const warmUps = 3;

export interface MicroOptions {
  /** Its work is done this often: a slow-down, to see that it is caught. */
  readonly planted?: { readonly name: string; readonly times: number } | undefined;
  readonly nowMs: number;
}

export async function measureMicro(
  ratios: readonly MicroRatio[],
  { planted }: Pick<MicroOptions, 'planted'> = {},
): Promise<Measured[]> {
  const measured: Measured[] = [];
  for (const { name, ours, limit } of ratios) {
    const times = planted?.name === name ? planted.times : 1;
    for (let i = 0; i < warmUps; i++) {
      ours();
      limit();
    }
    const ratio = await interleaved(
      pairs,
      cpuOf(ours, times * timesPerTurn),
      cpuOf(limit, timesPerTurn),
      ofCosts,
    );
    measured.push({ name, ratio });
  }
  return measured;
}

function cpuOf(work: () => unknown, times: number): Piece {
  return () => {
    const before = process.cpuUsage();
    for (let i = 0; i < times; i++) work();
    const { user, system } = process.cpuUsage(before);
    return user + system;
  };
}

export function microRatios(nowMs: number): MicroRatio[] {
  const world = createCrawlWorld(nowMs);
  const log = crawlLogOf(world, crawls, nowMs);
  return [codecRatio(log), proofRatio(world), admissionRatio(log, nowMs), chartsRatio(log, nowMs)];
}

/** Encode and decode with every check, beside JSON of the same events and nothing else. */
export function codecRatio({ payments, decisions, ledger, charges }: CrawlLog): MicroRatio {
  const events: AnyEvent[] = [...payments, ...decisions, ...ledger, ...charges];
  return {
    name: 'codec',
    ours: () => {
      for (const event of events) decodeEvent(encodeEvent(event));
    },
    limit: () => {
      for (const event of events) JSON.parse(Buffer.from(JSON.stringify(event)).toString());
    },
  };
}

/** The whole payment header, beside the recovery of one signature. */
function proofRatio(world: CrawlWorld): MicroRatio {
  const headers = Array.from({ length: crawls }, (_, index) => world.sign(index));
  const key = randomBytes(32);
  const address = addressOfPrivateKey(key);
  const signed = headers.map(() => {
    const digest = randomBytes(32);
    return { digest, signature: signDigest(digest, key) };
  });
  return {
    name: 'proof',
    ours: () => {
      for (const paymentSignature of headers) {
        readProof({ paymentSignature, xPayment: undefined }, world.context);
      }
    },
    limit: () => {
      for (const { digest, signature } of signed) {
        const recovery = recoverAddress(digest, signature);
        if (recovery.outcome !== 'recovered' || recovery.address !== address) break;
      }
    },
  };
}

/** What the verifier does with its records, beside reading them. */
function admissionRatio({ funds, payments }: CrawlLog, nowMs: number): MicroRatio {
  const values = payments.map(encodeEvent);
  return {
    name: 'admission',
    ours: () => {
      const folding = openFolding(admission as never, nowMs);
      folding.feed(funds);
      folding.feed(payments);
    },
    limit: () => decodeAll(values),
  };
}

/** What analytics does with its records up to the rows as text, beside reading them. */
function chartsRatio({ decisions, ledger }: CrawlLog, nowMs: number): MicroRatio {
  const values = [...decisions, ...ledger].map(encodeEvent);
  return {
    name: 'charts',
    ours: () => {
      const block = emptyBlock();
      for (const output of openFolding(decisionsFold, nowMs).feed(decisions)) {
        addToBlock(block, output);
      }
      for (const output of openFolding(ledgerFold, nowMs).feed(ledger)) addToBlock(block, output);
      return rowsOfBlock(block);
    },
    limit: () => decodeAll(values),
  };
}

function decodeAll(values: readonly Buffer[]): void {
  for (const value of values) decodeEvent(value);
}
