import type { BlockHeader, Chain, Fees } from '@paycrawl/chain/chain';
import type { ErrorCode } from '@paycrawl/errors/catalogue';
import type { AnyEvent, EventOfType, EventType } from '@paycrawl/events/event';
import type { OwnedPartition } from '@paycrawl/fold/runtime';
import type { Hex } from 'viem';
import type { Lane, Settings } from './state.js';
import type { SettlementStep } from './steps.js';

/** The key of one lane. Nothing but the driver ever holds it. */
export interface Signer {
  readonly address: Hex;
  readonly privateKey: Hex;
}

export type BatchSettings = Omit<Settings, 'version'>;

export interface DriverSettings {
  /** CAIP-2 id of the chain that `chain` speaks to. */
  readonly network: string;
  /** Blocks below the head that no reorganisation reaches. */
  readonly finalityDepth: number;
  readonly pollIntervalMs: number;
  /** Bytes that are not mined are sent again: nodes forget. */
  readonly resendAfterMs: number;
  /** An attempt that is not mined gets a successor with higher fees. */
  readonly bumpAfterMs: number;
  readonly maxFeePerGasWeiMax: bigint;
  /** Gas of one transaction whose payer's own code runs. */
  readonly aloneGasMax: bigint;
  /** What the fold is to work with; a difference becomes a record in its partition. */
  readonly batches: BatchSettings;
  /** How far back a use of an authorization is searched. */
  readonly lookbackBlocksMax: number;
  readonly measureIntervalMs: number;
}

/** What is wrong now, in words of the catalogue; nothing is wrong when there is none. */
export interface Trouble {
  readonly code: ErrorCode;
  readonly detail: string;
}

export interface DriverOptions {
  readonly chain: Chain;
  readonly signer: Signer;
  readonly settings: DriverSettings;
  /** Only for waits and measures; decisions use log time and block time. */
  clock(): number;
  /** Appends to `registry`. */
  publish(event: EventOfType<'SettlementMeasured'>): Promise<void>;
  onTrouble(partition: number, troubles: readonly Trouble[]): void;
  onStep?: ((step: SettlementStep) => void) | undefined;
}

/** What is wrong with each of the driver's activities, as of its last turn. */
export interface Activities {
  sending: readonly Trouble[];
  observing: readonly Trouble[];
}

/** What a driver remembers between polls; losing it costs a repetition, never a decision. */
export interface DriverMemory {
  /** Proposals and observations that are on their way through the log, by what they are. */
  readonly appended: Map<string, number>;
  readonly lastSentAtMs: Map<string, number>;
  /** The head at which a batch's nonce was first seen used by a stranger. */
  readonly strangerSeenAt: Map<string, number>;
  /** The head at which an attempt was first seen in force. */
  readonly inForceSinceHead: Map<string, number>;
  gasEstimateWei: bigint | undefined;
  readonly troubles: Activities;
  /** The head of the last look at charges outside batches. */
  observedHead: number;
  /** Hash of the last head that has nothing more to tell. */
  toldHead: Hex | undefined;
  measured: string;
  measuredAtMs: number;
  /** When the lane was first measured with nothing under way; undefined: something is. */
  idleSinceMs: number | undefined;
}

export interface DriverContext extends DriverOptions {
  readonly owned: OwnedPartition;
  readonly memory: DriverMemory;
  /** Of the turn that is under way. */
  readonly troubles: Trouble[];
  /** The turn ends when this has ended, and nothing of it waits before. */
  beside(work: Promise<void>): void;
}

/** A proposal that the fold ignored is made again after this. */
const forgetAppendedAfterMs = 10_000;

export function createMemory(): DriverMemory {
  return {
    appended: new Map(),
    lastSentAtMs: new Map(),
    strangerSeenAt: new Map(),
    inForceSinceHead: new Map(),
    gasEstimateWei: undefined,
    troubles: { sending: [], observing: [] },
    observedHead: -1,
    toldHead: undefined,
    measured: '',
    measuredAtMs: Number.NEGATIVE_INFINITY,
    idleSinceMs: undefined,
  };
}

/** Far more than is ever under way at once; what is forgotten costs a repetition. */
const rememberedMax = 1_000;

/** Keeps the memory bounded: the oldest entries stand first. */
export function forgetOld(memory: DriverMemory): void {
  const { appended, lastSentAtMs, strangerSeenAt, inForceSinceHead } = memory;
  for (const map of [appended, lastSentAtMs, strangerSeenAt, inForceSinceHead]) {
    for (const key of map.keys()) {
      if (map.size <= rememberedMax) break;
      map.delete(key);
    }
  }
}

/** Appends to the fold's own input, once: what is on its way is not written again. */
export async function appendOnce<Type extends EventType>(
  context: DriverContext,
  subject: string,
  type: Type,
  data: EventOfType<Type>['data'],
  trace?: string,
): Promise<void> {
  const { memory, owned } = context;
  if (isOnItsWay(context, subject)) return;
  const nowMs = context.clock();
  const id = `settlement/${owned.partition}/${subject}/${nowMs}`;
  const event = { type, id, source: 'settlement', timeMs: nowMs, trace, data } as AnyEvent;
  await owned.append([{ key: 'driver', event }]);
  memory.appended.set(subject, nowMs);
}

/** It was appended, and the fold had time to read it back or will have. */
export function isOnItsWay({ memory, clock }: DriverContext, subject: string): boolean {
  const appendedAtMs = memory.appended.get(subject);
  return appendedAtMs !== undefined && clock() - appendedAtMs < forgetAppendedAfterMs;
}

export function trouble({ troubles }: DriverContext, code: ErrorCode, detail: string): void {
  if (troubles.some((known) => known.code === code)) return;
  troubles.push({ code, detail });
}

/** One look at the chain, shared by everything that one turn does. */
export interface Sight {
  readonly lane: Lane;
  readonly headNumber: number;
  readonly headTimestampS: number;
  readonly deep: {
    readonly number: number;
    readonly hash: Hex;
    readonly timestampS: number;
  };
  /** Next nonce of the signer at the head and at depth. */
  readonly headNonce: number;
  readonly deepNonce: number;
  /** The market's fees, read when they are first wanted. */
  fees(): Promise<Fees>;
  /** Blocks hold many batches: each is read once, when it is first wanted. */
  block(number: number): Promise<BlockHeader | undefined>;
}
