import { fail, PaycrawlError } from '@paycrawl/errors/paycrawl-error';
import type { Driver, OwnedPartition } from '@paycrawl/fold/runtime';
import { pushBatch } from './attempts.js';
import {
  appendOnce,
  createMemory,
  type DriverContext,
  type DriverOptions,
  forgetOld,
  type Sight,
  trouble,
} from './driver-context.js';
import { publishMeasures } from './measures.js';
import { hasWaiting, observeBatch, observeWaiting } from './observe.js';
import { type Batch, batchOf, type Lane, laneOf, type Out, settingsOf } from './state.js';

export interface SettlementDriver extends Driver<Out> {
  /** One look at the state and the world; polls do this, tests may. */
  poll(): Promise<void>;
}

/**
 * Turns what the fold sealed into transactions, and what the chain answers into observations. It
 * decides nothing: proposals count when they come back through the log, and only bytes that came
 * back are sent.
 */
export function createSettlementDriver(
  owned: OwnedPartition,
  options: DriverOptions,
): SettlementDriver {
  const context: DriverContext = { ...options, owned, memory: createMemory() };
  const bell = createBell();
  let isClosing = false;
  let polling: Promise<void> | undefined;

  const poll = (): Promise<void> => {
    polling ??= pollOnce(context).finally(() => {
      polling = undefined;
    });
    return polling;
  };
  const loop = async (): Promise<void> => {
    while (!isClosing) {
      await poll();
      await bell.heard(options.settings.pollIntervalMs);
    }
  };
  const running = options.settings.pollIntervalMs > 0 ? loop() : Promise.resolve();

  return {
    poll,
    // Something was folded: a sealed batch need not wait for the next poll.
    onFolded: bell.ring,
    close: async () => {
      isClosing = true;
      bell.ring();
      await running;
      await polling;
    },
  };
}

/** A wait that ends early when rung; a ring while nobody waits ends the next wait. */
function createBell(): { ring: () => void; heard: (timeoutMs: number) => Promise<void> } {
  let isRung = false;
  let wake: (() => void) | undefined;
  return {
    ring: () => {
      isRung = true;
      wake?.();
    },
    heard: async (timeoutMs) => {
      if (!isRung) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, timeoutMs);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      wake = undefined;
      isRung = false;
    },
  };
}

async function pollOnce(context: DriverContext): Promise<void> {
  const { memory } = context;
  memory.troubles = [];
  forgetOld(memory);
  // The queue is published also while the chain is away: offers depend on it.
  for (const step of [work, publishMeasures]) {
    try {
      await step(context);
    } catch (error) {
      const known = error instanceof PaycrawlError ? error : unexpected(error);
      trouble(context, known.code, known.detail);
    }
  }
  context.onTrouble(context.owned.partition, memory.troubles);
}

function unexpected(cause: unknown): PaycrawlError {
  return fail('internal', cause instanceof Error ? cause.message : String(cause), { cause });
}

async function work(context: DriverContext): Promise<void> {
  const { owned, settings, signer } = context;
  await alignSettings(context);
  const lane = laneOf(owned.state, settings.network);
  if (lane === undefined) return openLane(context);
  if (lane.signer !== signer.address) {
    const detail = `the lane of partition ${owned.partition} belongs to ${lane.signer}`;
    throw fail('settlement_signer_unknown', detail);
  }
  if (lane.batchIds.length === 0 && !hasWaiting(context)) return;
  const sight = await look(context, lane);
  if (sight === undefined) return;
  await advanceAll(context, sight);
  if (sight.headNumber === context.memory.observedHead) return;
  await observeWaiting(context, sight);
  context.memory.observedHead = sight.headNumber;
}

/** A setting takes effect by a record, so that every owner folds it at the same place. */
async function alignSettings(context: DriverContext): Promise<void> {
  const { version, ...inForce } = settingsOf(context.owned.state);
  const { batches } = context.settings;
  const names = Object.keys(batches) as (keyof typeof batches)[];
  if (names.every((name) => batches[name] === inForce[name])) return;
  const data = { ...batches, version: version + 1 };
  await appendOnce(context, `settings/${version + 1}`, 'SettlementSettingsChanged', data);
}

/**
 * Transactions of one lane that may wait for a block at once: nodes keep no more of one account
 * (16 are geth's guarantee and reth's bound). Batches behind them wait with their nonces.
 */
const unminedMax = 16;
/** Few, so that the first of many is sent while the next are signed. */
const proposedAtOnce = 8;
/** Reading the outcomes of a batch costs the node some 200 kB. */
const observedAtOnce = 4;

/**
 * Batches do not wait for one another: while some wait for depth and others are read at depth, the
 * next ones are signed and sent. Within each kind the order is that of the nonces.
 */
async function advanceAll(context: DriverContext, sight: Sight): Promise<void> {
  const { owned, memory } = context;
  const deep: Batch[] = [];
  const sealed: Batch[] = [];
  const sent: Batch[] = [];
  for (const batchId of sight.lane.batchIds) {
    const batch = batchOf(owned.state, batchId);
    if (batch === undefined) continue;
    if (sight.deepNonce > batch.nonce) {
      deep.push(batch);
      continue;
    }
    memory.strangerSeenAt.delete(batch.batchId);
    // Mined, but not deep enough: a reorganisation may still bring the nonce back.
    if (sight.headNonce > batch.nonce || batch.nonce >= sight.headNonce + unminedMax) continue;
    if (batch.attempts.length === 0) sealed.push(batch);
    else sent.push(batch);
  }
  const push = (batch: Batch) => pushBatch(context, batch, sight);
  // Nodes take nonces out of order, but need not: bytes go one after the other.
  await allOf([
    forEachAtOnce(sent, 1, push),
    // One handful each time: what came back through the log is sent by the next look.
    forEachAtOnce(sealed.slice(0, proposedAtOnce), proposedAtOnce, push),
    forEachAtOnce(deep, observedAtOnce, (batch) => observeBatch(context, batch, sight)),
  ]);
}

/** Ends when all have ended, so that no work of this poll goes on beside the next. */
async function allOf(works: readonly Promise<void>[]): Promise<void> {
  for (const ended of await Promise.allSettled(works)) {
    if (ended.status === 'rejected') throw ended.reason;
  }
}

async function forEachAtOnce(
  batches: readonly Batch[],
  atOnceMax: number,
  work: (batch: Batch) => Promise<void>,
): Promise<void> {
  for (let start = 0; start < batches.length; start += atOnceMax) {
    await allOf(batches.slice(start, start + atOnceMax).map(work));
  }
}

/** The first nonce is read at the head: nothing of this lane was ever sent. */
async function openLane(context: DriverContext): Promise<void> {
  const { chain, settings, signer } = context;
  const identity = await chain.identity();
  if (identity.chainId !== chain.chainId) throw mismatch('the node serves another chain id');
  await appendOnce(context, 'lane', 'LaneOpened', {
    network: settings.network,
    signer: signer.address,
    firstNonce: await chain.accountNonce(signer.address, 'latest'),
    genesisHash: identity.genesisHash,
  });
}

/** Reads what one poll needs, and stops at a chain that is not the one that the log knows. */
async function look(context: DriverContext, lane: Lane): Promise<Sight | undefined> {
  const { chain, settings, signer } = context;
  const head = await chain.head();
  const deepNumber = head.number - settings.finalityDepth;
  const known = lane.block;
  const [genesis, stillKnown] = await Promise.all([
    chain.block(0),
    known === undefined || known.number > head.number ? undefined : chain.block(known.number),
  ]);
  if (genesis !== undefined && genesis.hash !== lane.genesisHash) {
    throw mismatch('another genesis block');
  }
  if (known !== undefined && known.number > head.number) {
    throw fail('chain_unavailable', 'The chain node is behind what was seen before.');
  }
  if (known !== undefined && stillKnown !== undefined && stillKnown.hash !== known.hash) {
    throw mismatch(`block ${known.number} changed beneath the finality depth`);
  }
  if (deepNumber < 0) return undefined;
  const [deep, headNonce, deepNonce] = await Promise.all([
    chain.block(deepNumber),
    chain.accountNonce(signer.address, head.number),
    chain.accountNonce(signer.address, deepNumber),
  ]);
  if (deep === undefined) throw fail('chain_unavailable', 'The chain node lost a block.');
  return {
    lane,
    headNumber: head.number,
    headTimestampS: head.timestampS,
    deep: { number: deep.number, hash: deep.hash, timestampS: deep.timestampS },
    headNonce,
    deepNonce,
    fees: onceAsked(() => chain.fees()),
  };
}

/** Asked when the first one wants it, and once for all. */
function onceAsked<Answer>(ask: () => Promise<Answer>): () => Promise<Answer> {
  let answer: Promise<Answer> | undefined;
  return () => {
    answer ??= ask();
    return answer;
  };
}

function mismatch(detail: string): PaycrawlError {
  return fail('chain_mismatch', `The chain is not the one that the log knows: ${detail}.`);
}
