import { fail, PaycrawlError } from '@paycrawl/errors/paycrawl-error';
import type { Driver, OwnedPartition } from '@paycrawl/fold/runtime';
import { createActivity } from './activity.js';
import {
  type Activities,
  appendOnce,
  createMemory,
  type DriverContext,
  type DriverOptions,
  forgetOld,
  trouble,
} from './driver-context.js';
import { mismatch } from './look.js';
import { publishMeasures } from './measures.js';
import { observeLane } from './observing.js';
import { sendLane } from './sending.js';
import { type Lane, laneOf, type Out, settingsOf } from './state.js';

export interface SettlementDriver extends Driver<Out> {
  /** One look at the state and the world; polls do this, tests may. */
  poll(): Promise<void>;
}

/**
 * Turns what the fold sealed into transactions, and what the chain answers into observations. It
 * decides nothing: proposals count when they come back through the log, and only bytes that came
 * back are sent. Sending and observing do not wait for one another: while the outcomes of some
 * batches are read, the next ones are signed and sent.
 */
export function createSettlementDriver(
  owned: OwnedPartition,
  options: DriverOptions,
): SettlementDriver {
  const shared = { ...options, owned, memory: createMemory() };
  const { pollIntervalMs } = options.settings;
  const [sending, observing] = [
    createActivity(turnOf(shared, 'sending', [send, publishMeasures]), pollIntervalMs),
    createActivity(turnOf(shared, 'observing', [observe]), pollIntervalMs),
  ];
  return {
    poll: async () => {
      await Promise.all([sending.turn(), observing.turn()]);
    },
    // Something was folded: a sealed batch need not wait for the next poll.
    onFolded: sending.ring,
    close: async () => {
      await Promise.all([sending.close(), observing.close()]);
    },
  };
}

/** What is wrong is told when the turn has ended, whole. */
function turnOf(
  shared: Omit<DriverContext, 'troubles' | 'beside'>,
  name: keyof Activities,
  steps: readonly ((context: DriverContext) => Promise<void>)[],
): () => Promise<void> {
  const { memory, owned } = shared;
  return async () => {
    const beside: Promise<void>[] = [];
    const context: DriverContext = {
      ...shared,
      troubles: [],
      beside: (work) => void beside.push(work.catch(failed)),
    };
    const failed = (error: unknown): void => {
      const known = error instanceof PaycrawlError ? error : unexpected(error);
      trouble(context, known.code, known.detail);
    };
    forgetOld(memory);
    for (const step of steps) await step(context).catch(failed);
    await Promise.all(beside);
    memory.troubles[name] = context.troubles;
    shared.onTrouble(owned.partition, troublesOf(memory.troubles));
  };
}

/** Of what both see, one tells. */
function troublesOf({ sending, observing }: Activities): Activities['sending'] {
  const codes = new Set(sending.map(({ code }) => code));
  return [...sending, ...observing.filter(({ code }) => !codes.has(code))];
}

function unexpected(cause: unknown): PaycrawlError {
  return fail('internal', cause instanceof Error ? cause.message : String(cause), { cause });
}

async function send(context: DriverContext): Promise<void> {
  await alignSettings(context);
  const lane = laneOf(context.owned.state, context.settings.network);
  if (lane === undefined) return openLane(context);
  assertOwnLane(context, lane);
  await sendLane(context, lane);
}

async function observe(context: DriverContext): Promise<void> {
  const lane = laneOf(context.owned.state, context.settings.network);
  if (lane === undefined) return;
  assertOwnLane(context, lane);
  await observeLane(context, lane);
}

function assertOwnLane({ owned, signer }: DriverContext, lane: Lane): void {
  if (lane.signer === signer.address) return;
  const detail = `the lane of partition ${owned.partition} belongs to ${lane.signer}`;
  throw fail('settlement_signer_unknown', detail);
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
