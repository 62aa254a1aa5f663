import type { LeaseGranted } from '@paycrawl/events/decisions';
import type { DataOf } from '@paycrawl/events/definition';
import type { ProofReceived } from '@paycrawl/events/payments';
import type { LogOutput, ReadView, View } from '@paycrawl/fold/fold';

/**
 * The state of admission. Keys (ASCII, payer ids are CAIP-10 in lower case):
 *
 * | key | value |
 * |---|---|
 * | `s` | settings in force |
 * | `p/<payer>/<asset>` | account: observed funds, open obligations, losses |
 * | `n/<chargeId>` | one authorization and how it stands |
 * | `o/<chargeId>` | earlier requests that held it, of a proof that was presented again |
 * | `i/<payer>/<paymentId>` | what a payment identifier is bound to |
 * | `w/<payer>/<asset>` | an observation is wanted: the watcher works from these |
 * | `f/<payer>`, `F/<publisher>` | frozen |
 * | `k/<payer>`, `kr/<payer>/<offset>` | parked, and the records kept meanwhile |
 * | `closed` | where the generation was closed: later records without a cause decide nothing |
 */
export type Proof = DataOf<typeof ProofReceived>;
export type AdmissionOutput = LogOutput<'decisions' | 'dead-letters'>;
export type AdmissionView = View<AdmissionOutput>;

export interface Settings {
  readonly version: number;
  /** A proof must outlive log time by this; a hold expires this much before `validBefore`. */
  readonly marginS: number;
  /** Losses of a payer above this refuse new proofs. */
  readonly lossLimit: bigint;
  /** Bound of proofs that wait for funds, per payer. */
  readonly waitingProofsMax: number;
}

export const settingsDefault: Settings = {
  version: 0,
  marginS: 30,
  lossLimit: 1_000_000n,
  waitingProofsMax: 256,
};

/** An observation older than this is refreshed in the background; an idle account is forgotten. */
export const fundsFreshMs = 60_000;
/** `insufficient_funds` asks the chain again, at most once in this time (about one block). */
export const fundsRetryMs = 1_000;
/** A charged proof is served again, uncharged, for this long. */
export const redeliveryMs = 600_000;
/** Longer than an ingress can hold an unreported outcome. */
export const outcomeGraceMs = 600_000;

export interface Funds {
  /** The smaller of the balance at depth D and at the head. */
  readonly balance: bigint;
  readonly hasCode: boolean;
  readonly blockNumber: number;
  /** Log time of the observation. */
  readonly observedAtMs: number;
}

export interface Account {
  readonly funds: Funds | undefined;
  /** Sum of open holds. */
  readonly held: bigint;
  /** Sum of charges not yet settled. */
  readonly unsettled: bigint;
  /** Settled, but the observed balance is older than the block of the transfer. */
  readonly leaving: readonly { readonly amount: bigint; readonly blockNumber: number }[];
  readonly losses: bigint;
  /** Charge ids that wait for funds, in order of arrival. */
  readonly waiting: readonly string[];
  /** Authorizations remembered; at zero the account may be forgotten. */
  readonly proofs: number;
}

export const accountEmpty: Account = {
  funds: undefined,
  held: 0n,
  unsettled: 0n,
  leaving: [],
  losses: 0n,
  waiting: [],
  proofs: 0,
};

export interface Request {
  readonly requestId: string;
  readonly ingressId: string;
  /** Of a request that waits: the record that ends its wait is about others too and has none. */
  readonly trace?: string | undefined;
}

export interface Lease extends Request {
  /** The nth lease of this proof; the lease id is `<chargeId>:<n>`. */
  readonly number: number;
  readonly untilMs: number;
  readonly started: boolean;
}

/** One authorization; `proof` is the presentation that opened the wait or the hold. */
export type Admission =
  | {
      readonly status: 'waiting';
      readonly proof: Proof;
      readonly requests: readonly Request[];
      readonly untilMs: number;
      readonly leases: number;
    }
  | {
      readonly status: 'held';
      readonly proof: Proof;
      readonly lease: Lease;
      readonly expiresAtMs: number;
    }
  | {
      readonly status: 'released';
      readonly proof: Proof;
      readonly leases: number;
      /** The request whose hold was released. */
      readonly requestId: string | undefined;
      readonly forgetAtMs: number;
    }
  | {
      readonly status: 'charged';
      readonly proof: Remnant;
      readonly leases: number;
      readonly chargedAtMs: number;
      /** How the charge came to its end; open until then. */
      readonly end: ChargeEnd | undefined;
    }
  | {
      readonly status: 'lost';
      readonly proof: Remnant;
      readonly leases: number;
      readonly forgetAtMs: number;
    };

/** What is kept of a proof after its charge or loss: most nonces that are remembered are these. */
export type Remnant = Pick<
  Proof,
  | 'chargeId'
  | 'payer'
  | 'publisherId'
  | 'network'
  | 'asset'
  | 'amount'
  | 'kind'
  | 'method'
  | 'host'
  | 'path'
  | 'paymentId'
> & { readonly authorization: Omit<Proof['authorization'], 'from' | 'nonce'> };

export function remnantOf(proof: Proof): Remnant {
  const { to, value, validAfter, validBefore } = proof.authorization;
  const kept = {
    chargeId: proof.chargeId,
    payer: proof.payer,
    publisherId: proof.publisherId,
    network: proof.network,
    asset: proof.asset,
    amount: proof.amount,
    kind: proof.kind,
    method: proof.method,
    host: proof.host,
    path: proof.path,
    authorization: { to, value, validAfter, validBefore },
  };
  const { paymentId } = proof;
  return paymentId === undefined ? kept : Object.assign(kept, { paymentId });
}

export type ChargeEnd = NonNullable<DataOf<typeof LeaseGranted>['end']>;

export interface Wanted {
  readonly payer: string;
  readonly network: string;
  readonly asset: string;
  readonly sinceMs: number;
}

export const closedKey = 'closed';

export function isClosed(view: ReadView): boolean {
  return view.get(closedKey) !== undefined;
}

export function settings(view: ReadView): Settings {
  return view.get<Settings>('s') ?? settingsDefault;
}

export function accountKey(payer: string, asset: string): string {
  const keys = keysOf(payer);
  if (keys.asset !== asset) {
    keys.asset = asset;
    keys.account = `p/${payer}/${asset}`;
  }
  return keys.account;
}

export function parkedKey(payer: string): string {
  return keysOf(payer).parked;
}

export function frozenKey(payer: string): string {
  return keysOf(payer).frozen;
}

/**
 * Every record asks for the same few keys again: made once, they are found by their kept hash, where
 * a new string would be put together, hashed and compared at each use.
 */
interface PayerKeys {
  readonly parked: string;
  readonly frozen: string;
  /** The last one that was asked for: few payers have several. */
  asset: string;
  account: string;
}

const knownKeys = new Map<string, PayerKeys>();
const payersMax = 10_000;

function keysOf(payer: string): PayerKeys {
  const found = knownKeys.get(payer);
  if (found !== undefined) return found;
  if (knownKeys.size >= payersMax) knownKeys.clear();
  const keys = { parked: `k/${payer}`, frozen: `f/${payer}`, asset: '', account: `p/${payer}/` };
  knownKeys.set(payer, keys);
  return keys;
}

/** A record is about one charge, mostly. */
const lastCharge = { chargeId: '', key: 'n/' };

export function admissionKey(chargeId: string): string {
  if (lastCharge.chargeId !== chargeId) {
    lastCharge.chargeId = chargeId;
    lastCharge.key = `n/${chargeId}`;
  }
  return lastCharge.key;
}

export function wantedKey(payer: string, asset: string): string {
  return `w/${payer}/${asset}`;
}

/** What a payment identifier is bound to. */
export interface Bound {
  readonly chargeId: string;
  readonly payloadHash: string | undefined;
}

export function identifierKey(payer: string, paymentId: string): string {
  return `i/${payer}/${paymentId}`;
}

export function account(view: ReadView, of: { payer: string; asset: string }): Account {
  return view.get<Account>(accountKey(of.payer, of.asset)) ?? accountEmpty;
}

/** Holds, unsettled charges and transfers that the observed balance still contains. */
export function obligations({ held, unsettled, leaving }: Account): bigint {
  return leaving.reduce((sum, { amount }) => sum + amount, held + unsettled);
}

export function leaseId(chargeId: string, number: number): string {
  return `${chargeId}:${number}`;
}

/** The number of a lease of this charge that was given out, or undefined. */
export function leaseNumber(chargeId: string, id: string, given: number): number | undefined {
  const prefix = `${chargeId}:`;
  if (!id.startsWith(prefix)) return undefined;
  const number = Number.parseInt(id.slice(prefix.length), 10);
  return number >= 1 && number <= given ? number : undefined;
}

/** Lease numbers given out so far. */
export function leasesOf(admission: Admission): number {
  return admission.status === 'held' ? admission.lease.number : admission.leases;
}

/** validBefore is a uint256 on the wire; beyond what a date can be it is simply far away. */
export function validBeforeMs({ authorization: { validBefore } }: Remnant | Proof): number {
  return validBefore.length > 12 ? farAwayMs : Number.parseInt(validBefore, 10) * 1000;
}

const farAwayMs = 8_640_000_000_000_000;
