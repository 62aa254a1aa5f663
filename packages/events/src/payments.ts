import { Type } from '@sinclair/typebox';
import { define } from './definition.js';
import { PartitionClosed, PartitionSeeded } from './generations.js';
import {
  Address,
  Atomic,
  Authorization,
  BlockNumber,
  Bytes32,
  ChargeKind,
  chargeFields,
  HexBytes,
  Id,
  Network,
  Outcome,
  Payer,
  requestFields,
  SignatureCheck,
  Text,
  UnixS,
} from './schema.js';

/** A proof whose quote and signature were checked, presented by one request. */
export const ProofReceived = define('ProofReceived', 1, {
  ...chargeFields,
  ...requestFields,
  kind: ChargeKind,
  requestId: Id,
  /** The ingress instance that waits for the answer; wake-ups go there. */
  ingressId: Id,
  challengeId: Type.Optional(Id),
  payTo: Address,
  authorization: Authorization,
  signature: HexBytes,
  signatureCheck: SignatureCheck,
  /** x402 payment-identifier extension; scoped to the payer. */
  paymentId: Type.Optional(Id),
  /** Hash of the whole payload: same payment id with another hash is a conflict (409). */
  payloadHash: Type.Optional(Id),
  /** How long the proof may wait for funds, counted from its append time. */
  decideWithinMs: Type.Integer({ minimum: 0, maximum: 60_000 }),
  /** Length of the delivery lease that the ingress asks for. */
  leaseMs: Type.Integer({ minimum: 1, maximum: 600_000 }),
});

/** A streamed body is about to begin: extends the lease to the end of the hold. */
export const DeliveryStarted = define('DeliveryStarted', 1, {
  chargeId: Id,
  payer: Payer,
  requestId: Id,
  leaseId: Id,
});

const outcomeFields = {
  chargeId: Id,
  payer: Payer,
  requestId: Id,
  outcome: Outcome,
  status: Type.Integer({ minimum: 0, maximum: 999 }),
  bytes: Type.Integer({ minimum: 0 }),
} as const;

/** A billable outcome: posts the charge once, whichever lease it names. */
export const CrawlDelivered = define('CrawlDelivered', 1, { ...outcomeFields, leaseId: Id });

/**
 * An outcome that is not billable; counts only for the current lease. `abandoned` needs no lease:
 * the ingress gave up before it knew the decision, and the request id names what it opened.
 */
export const CrawlNotDelivered = define('CrawlNotDelivered', 1, {
  ...outcomeFields,
  leaseId: Type.Optional(Id),
});

/** What the chain said about a payer at one block at depth D (balance: min of there and head). */
export const FundsObserved = define('FundsObserved', 1, {
  payer: Payer,
  network: Network,
  asset: Address,
  balance: Atomic,
  hasCode: Type.Boolean(),
  blockNumber: BlockNumber,
  blockHash: Bytes32,
  blockTimestampS: UnixS,
  nonces: Type.Array(Type.Object({ nonce: Bytes32, used: Type.Boolean() }), { maxItems: 10_000 }),
});

/** The clock of a partition: appended by its owner while a timer is open and due. */
export const TimePassed = define('TimePassed', 1, {});

/** New settings of the admission rules, from this record on (one record per partition). */
export const AdmissionSettingsChanged = define('AdmissionSettingsChanged', 1, {
  version: Type.Integer({ minimum: 1 }),
  /** A proof must outlive now by this much to be accepted; a hold expires this much before. */
  marginS: Type.Integer({ minimum: 0 }),
  lossLimit: Atomic,
  waitingProofsMax: Type.Integer({ minimum: 0 }),
});

export const PayerFrozen = define('PayerFrozen', 1, { payer: Payer, reason: Text });
export const PayerUnfrozen = define('PayerUnfrozen', 1, { payer: Payer, reason: Text });
/** A fix is in place: records kept while parked are folded under the named rule version. */
export const PayerReleased = define('PayerReleased', 1, {
  payer: Payer,
  ruleVersion: Type.Integer({ minimum: 1 }),
});

const settledChargeFields = { ...chargeFields, kind: ChargeKind, batchId: Id } as const;

/** Written by the settlement fold; the verifier relays them to `decisions`. */
export const ChargeInFlight = define('ChargeInFlight', 1, settledChargeFields);
export const ChargeReturned = define('ChargeReturned', 1, { ...settledChargeFields, reason: Text });
export const ChargeSettled = define('ChargeSettled', 1, {
  ...settledChargeFields,
  transactionHash: Bytes32,
  blockNumber: BlockNumber,
  blockTimestampS: UnixS,
  /** True when another sender's transaction made exactly this transfer. */
  paidElsewhere: Type.Boolean(),
});
export const ChargeUncollectible = define('ChargeUncollectible', 1, {
  ...chargeFields,
  kind: ChargeKind,
  /** Absent when it was in no batch. */
  batchId: Type.Optional(Id),
  reason: Text,
  /** The block that proves the end of the authorization, where the chain was asked. */
  blockNumber: Type.Optional(BlockNumber),
});
/** What the account of an API key bears of a transaction's gas, for its charges in it. */
export const GasShare = Type.Object({
  account: Id,
  charges: Type.Integer({ minimum: 1 }),
  amountWei: Atomic,
});

/** Gas of one transaction that was mined, in the network's own asset. */
export const GasSpent = define('GasSpent', 2, {
  network: Network,
  signer: Address,
  batchId: Id,
  transactionHash: Bytes32,
  gasUsed: Atomic,
  amountWei: Atomic,
  charges: Type.Integer({ minimum: 0 }),
  /** Of facilitated charges, by account in the order of ids; what is left is the platform's. */
  shares: Type.Array(GasShare, { maxItems: 1000 }),
});

export const paymentEvents = [
  ProofReceived,
  DeliveryStarted,
  CrawlDelivered,
  CrawlNotDelivered,
  FundsObserved,
  TimePassed,
  AdmissionSettingsChanged,
  PayerFrozen,
  PayerUnfrozen,
  PayerReleased,
  ChargeInFlight,
  ChargeReturned,
  ChargeSettled,
  ChargeUncollectible,
  GasSpent,
  PartitionClosed,
  PartitionSeeded,
] as const;
