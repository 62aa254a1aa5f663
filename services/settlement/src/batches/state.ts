import type { ChargeDue, SettlementSettingsChanged } from '@paycrawl/events/charges';
import type { DataOf } from '@paycrawl/events/definition';
import type { LogOutput, ReadView, View } from '@paycrawl/fold/fold';

export type Out = LogOutput;
export type SettlementView = View<Out>;

export type DueCharge = DataOf<typeof ChargeDue>;
export type Settings = DataOf<typeof SettlementSettingsChanged>;

/**
 * Where a charge stands. `queued`: in line for a batch. `alone`: in line for a batch of its own.
 * `in_batch`: in flight. `held`: its call failed once; it waits until a simulation says that it
 * would succeed. `parked`: the fold could not handle it.
 */
export type ChargeStatus = 'queued' | 'alone' | 'in_batch' | 'held' | 'parked';

export interface Charge {
  readonly due: DueCharge;
  readonly status: ChargeStatus;
  readonly dueAtMs: number;
  /** The batch that it is in, or was in last. */
  readonly batchId: string | undefined;
  readonly isAlone: boolean;
  /** Batches that ended with this charge unpaid. */
  readonly tries: number;
  /** Of the request that caused it; it outlives the record, because a batch answers for many. */
  readonly trace?: string;
}

export interface Attempt {
  readonly attempt: number;
  readonly chargeIds: readonly string[];
  readonly transactionHash: string;
  readonly rawTransaction: string;
  readonly maxFeePerGas: string;
  readonly maxPriorityFeePerGas: string;
  readonly inForceAtMs: number;
  /** When a node first took the bytes; a driver that takes over knows then how long it waits. */
  readonly sentAtMs: number | undefined;
}

export interface Batch {
  readonly batchId: string;
  readonly pool: string;
  readonly network: string;
  readonly asset: string;
  readonly signer: string;
  readonly nonce: number;
  readonly chargeIds: readonly string[];
  readonly isAlone: boolean;
  readonly sealedAtMs: number;
  readonly attempts: readonly Attempt[];
  /** Of its first charge that has one: a batch is shown in one trace and linked from the others. */
  readonly trace?: string;
}

/** The nonces of one signer, given out in order; and what the log knows of its chain. */
export interface Lane {
  readonly network: string;
  readonly signer: string;
  readonly nextNonce: number;
  /** Nothing new is sealed; batches that were sealed before go on to their end. */
  readonly isFrozen: boolean;
  readonly genesisHash: string;
  /** The deepest-known block: it must still be there. */
  readonly block: KnownBlock | undefined;
  /** Batches in flight, in the order of their nonces. */
  readonly batchIds: readonly string[];
  /** Of which at most one is of a charge that settles alone. */
  readonly aloneInFlight: number;
  /** The last confirmations, newest last. */
  readonly confirmations: readonly Confirmation[];
}

export interface KnownBlock {
  readonly number: number;
  readonly hash: string;
}

export interface Confirmation {
  /** From sealing to the observation at depth, by log time. */
  readonly confirmationMs: number;
  readonly charges: number;
  readonly gasCostWei: string;
  readonly clockDifferenceMs: number;
}

/** The line of one network and asset, nearest deadline first. */
export interface Pool {
  readonly network: string;
  readonly asset: string;
  readonly queued: number;
  readonly alone: number;
  /** Its open timer. */
  readonly timerAtMs: number | undefined;
  /** Charges that a timer or a request made due and that no batch has taken yet. */
  readonly isDue: boolean;
}

/** Confirmations kept: enough to see a slow hour, few enough to forget it. */
export const confirmationsKept = 32;

/**
 * Until a record says otherwise. 100 calls stay below the 16.7 M gas of one transaction (EIP-7825);
 * 4 batches in flight keep the lane busy while one waits for depth.
 */
export const initialSettings: Settings = {
  version: 1,
  batchChargesMax: 100,
  batchAgeMaxMs: 2_000,
  deadlineMarginS: 20,
  batchesInFlightMax: 4,
};

/** `closing`: no more batches are sealed; `closed`: records without a cause decide nothing. */
export const closingKey = 'closing';
/** Of topics, from the second on; absent in the first. */
export const generationKey = 'generation';

export function isClosing(view: ReadView): boolean {
  return view.get(closingKey) !== undefined;
}

export function isClosed(view: ReadView): boolean {
  return view.get(closingKey) === 'closed';
}

/** Bounded: what is forgotten is made again. */
const rememberedMax = 1_000;

function remember<Value>(known: Map<string, Value>, name: string, value: Value): void {
  if (known.size >= rememberedMax) known.clear();
  known.set(name, value);
}

/** Keys that every charge asks for: made once, they are found by their kept hash. */
function madeOnce(make: (name: string) => string): (name: string) => string {
  const known = new Map<string, string>();
  return (name) => {
    const found = known.get(name);
    if (found !== undefined) return found;
    const key = make(name);
    remember(known, name, key);
    return key;
  };
}

const pools = new Map<string, (asset: string) => string>();
const alonePrefix = madeOnce((pool) => `a/${pool}/`);
const togetherPrefix = madeOnce((pool) => `q/${pool}/`);

export const settingsKey = 'settings';

export function chargeKey(chargeId: string): string {
  return `c/${chargeId}`;
}

export function batchKey(batchId: string): string {
  return `b/${batchId}`;
}

export const laneKey = madeOnce((network) => `lane/${network}`);

export function frozenKey(signer: string): string {
  return `frozen/${signer}`;
}

export const poolKey = madeOnce((pool) => `pool/${pool}`);

export function poolOf({ network, asset }: { network: string; asset: string }): string {
  const ofNetwork = pools.get(network) ?? madeOnce((ofAsset) => `${network}/${ofAsset}`);
  if (!pools.has(network)) remember(pools, network, ofNetwork);
  return ofNetwork(asset);
}

/** Charges that wait for a simulation to succeed. */
export const heldPrefix = 'h/';

export function heldKey(chargeId: string): string {
  return `${heldPrefix}${chargeId}`;
}

/** Nearest deadline first, then id: the order in which batches take charges. */
export function queueKey(charge: Charge): string {
  return `${queuePrefix(poolOf(charge.due), charge.isAlone)}${deadlineOf(charge)}/${charge.due.chargeId}`;
}

export function queuePrefix(pool: string, isAlone: boolean): string {
  return isAlone ? alonePrefix(pool) : togetherPrefix(pool);
}

/** `validBefore` may have 78 digits; what lies beyond any clock sorts as the end of time. */
function deadlineOf(charge: Charge): string {
  const text = charge.due.authorization.validBefore;
  return (text.length > 12 ? '9'.repeat(12) : text).padStart(12, '0');
}

/** Log time at which the authorization ends, as far as a clock can express it. */
export function deadlineMs(due: DueCharge): number {
  const text = due.authorization.validBefore;
  return Number.parseInt(text.length > 12 ? '9'.repeat(12) : text, 10) * 1000;
}

export function settingsOf(view: ReadView): Settings {
  return view.get<Settings>(settingsKey) ?? initialSettings;
}

export function laneOf(view: ReadView, network: string): Lane | undefined {
  return view.get<Lane>(laneKey(network));
}

export function chargeOf(view: ReadView, chargeId: string): Charge | undefined {
  return view.get<Charge>(chargeKey(chargeId));
}

export function batchOf(view: ReadView, batchId: string): Batch | undefined {
  return view.get<Batch>(batchKey(batchId));
}

export function poolAt(view: ReadView, pool: string): Pool | undefined {
  return view.get<Pool>(poolKey(pool));
}

/**
 * How long before its deadline a charge must be in a batch: the slowest confirmation that was
 * seen, the line ahead at the measured rate, and the difference between the clocks; never less
 * than the setting.
 */
export function marginMs(view: ReadView, lane: Lane | undefined, queued: number): number {
  if (lane === undefined) return settingsOf(view).deadlineMarginS * 1000;
  return marginAtMs(view, lane, queued, slowestConfirmationMs(lane));
}

/** The same where a confirmation takes so long. */
export function marginAtMs(view: ReadView, lane: Lane, queued: number, slowestMs: number): number {
  const settings = settingsOf(view);
  const perRound = settings.batchChargesMax * settings.batchesInFlightMax;
  const aheadMs = Math.ceil((queued * slowestMs) / perRound);
  const measuredMs = slowestMs + aheadMs + Math.max(0, clockDifferenceMs(lane));
  return Math.max(settings.deadlineMarginS * 1000, measuredMs);
}

export function slowestConfirmationMs({ confirmations }: Lane): number {
  return extremesOf(confirmations).slowestMs;
}

/** The largest difference in either direction. */
export function clockDifferenceMs({ confirmations }: Lane): number {
  return extremesOf(confirmations).clockDifferenceMs;
}

interface Extremes {
  readonly slowestMs: number;
  readonly clockDifferenceMs: number;
}

/** Every charge asks, and confirmations change with a batch. */
const knownExtremes = new WeakMap<readonly Confirmation[], Extremes>();

function extremesOf(confirmations: readonly Confirmation[]): Extremes {
  const known = knownExtremes.get(confirmations);
  if (known !== undefined) return known;
  let [slowestMs, widestMs] = [0, 0];
  for (const { confirmationMs, clockDifferenceMs: differenceMs } of confirmations) {
    slowestMs = Math.max(slowestMs, confirmationMs);
    if (Math.abs(differenceMs) > Math.abs(widestMs)) widestMs = differenceMs;
  }
  const extremes = { slowestMs, clockDifferenceMs: widestMs };
  knownExtremes.set(confirmations, extremes);
  return extremes;
}
