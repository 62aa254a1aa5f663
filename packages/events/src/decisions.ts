import { Type } from '@sinclair/typebox';
import { define } from './definition.js';
import { PartitionSeeded } from './generations.js';
import {
  ChargeInFlight,
  ChargeReturned,
  ChargeSettled,
  ChargeUncollectible,
  GasSpent,
} from './payments.js';
import {
  Address,
  Authorization,
  Bytes32,
  ChargeKind,
  chargeFields,
  HexBytes,
  Id,
  Network,
  Outcome,
  Payer,
  requestFields,
  Text,
  UnixMs,
} from './schema.js';

const replyFields = { requestId: Id, ingressId: Id } as const;

/** The proof is good and its amount is held; the ingress may deliver within the lease. */
export const PaymentAccepted = define('PaymentAccepted', 1, {
  ...chargeFields,
  ...requestFields,
  ...replyFields,
  kind: ChargeKind,
  challengeId: Type.Optional(Id),
  leaseId: Id,
  leaseMs: Type.Integer({ minimum: 1 }),
  holdExpiresAtMs: UnixMs,
});

/**
 * A repeat of an accepted proof may be delivered: it took over the hold after the lease ended
 * (`held`), or the charge stands and the same method and URL is served again (`charged`).
 */
export const LeaseGranted = define('LeaseGranted', 1, {
  ...replyFields,
  chargeId: Id,
  payer: Payer,
  publisherId: Id,
  leaseId: Id,
  leaseMs: Type.Integer({ minimum: 1 }),
  charge: Type.Union([Type.Literal('held'), Type.Literal('charged')]),
  /** What became of the charge, once it came to its end. */
  end: Type.Optional(
    Type.Union([
      Type.Object({ kind: Type.Literal('settled'), transactionHash: Bytes32 }),
      Type.Object({ kind: Type.Literal('uncollectible'), reason: Text }),
    ]),
  ),
});

/** Binds neither the nonce nor the payment identifier. */
export const PaymentRejected = define('PaymentRejected', 1, {
  ...chargeFields,
  ...requestFields,
  ...replyFields,
  kind: ChargeKind,
  challengeId: Type.Optional(Id),
  /** From the catalogue; `retryable` ones are 503, the others 402 (409 for a conflict). */
  code: Id,
  retryable: Type.Boolean(),
});

/** The hold ended in a charge. Carries all that settlement needs. */
export const ChargePosted = define('ChargePosted', 1, {
  ...chargeFields,
  ...requestFields,
  kind: ChargeKind,
  challengeId: Type.Optional(Id),
  requestId: Id,
  payTo: Address,
  authorization: Authorization,
  signature: HexBytes,
  /** Account with code: settles alone with a gas cap. */
  settleAlone: Type.Boolean(),
  outcome: Outcome,
  bytes: Type.Integer({ minimum: 0 }),
});

/** The hold ended without a charge. */
export const HoldReleased = define('HoldReleased', 1, {
  ...chargeFields,
  ...requestFields,
  kind: ChargeKind,
  requestId: Id,
  reason: Type.Union([
    Type.Literal('not_delivered'),
    Type.Literal('abandoned'),
    Type.Literal('expired'),
  ]),
  outcome: Type.Optional(Outcome),
});

/** Content was delivered that can no longer be charged: a loss, shown and counted. */
export const LossPosted = define('LossPosted', 1, {
  ...chargeFields,
  ...requestFields,
  kind: ChargeKind,
  requestId: Id,
  outcome: Outcome,
  reason: Text,
});

/** Asks the watcher for funds and nonce states; the watcher works from the fold's state. */
export const FundsRequested = define('FundsRequested', 1, {
  payer: Payer,
  network: Network,
  asset: Address,
  nonces: Type.Array(Bytes32, { maxItems: 10_000 }),
});

export const PayerParked = define('PayerParked', 1, {
  payer: Payer,
  code: Id,
  /** Offset of the record that could not be folded. */
  offset: Type.Integer({ minimum: 0 }),
});

/** A record that came too late to mean anything (its nonce is forgotten): counted, no effect. */
export const RecordIgnored = define('RecordIgnored', 1, {
  payer: Payer,
  recordType: Id,
  offset: Type.Integer({ minimum: 0 }),
  reason: Text,
});

/** Appended by metering to its own input: the fee of charges that settle from here on. */
export const PlatformFeeChanged = define('PlatformFeeChanged', 1, {
  /** One more than the version in force; any other is without effect. */
  version: Type.Integer({ minimum: 1 }),
  feeBps: Type.Integer({ minimum: 0, maximum: 10_000 }),
});

export const decisionEvents = [
  PaymentAccepted,
  LeaseGranted,
  PaymentRejected,
  ChargePosted,
  HoldReleased,
  LossPosted,
  FundsRequested,
  PayerParked,
  RecordIgnored,
  PlatformFeeChanged,
  ChargeInFlight,
  ChargeReturned,
  ChargeSettled,
  ChargeUncollectible,
  GasSpent,
  PartitionSeeded,
] as const;
