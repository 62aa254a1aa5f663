import { Type } from '@sinclair/typebox';
import { define } from './definition.js';
import { PartitionClosed, PartitionClosing, PartitionSeeded } from './generations.js';
import { TimePassed } from './payments.js';
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
  Text,
  UnixS,
} from './schema.js';

/** A posted charge that is to be settled. */
export const ChargeDue = define('ChargeDue', 1, {
  ...chargeFields,
  kind: ChargeKind,
  payTo: Address,
  authorization: Authorization,
  signature: HexBytes,
  settleAlone: Type.Boolean(),
  /** Facilitated charges seal at once. */
  sealAtOnce: Type.Boolean(),
});

/**
 * A signer's nonce lane belongs to this partition and begins here. The genesis hash tells later
 * whether the chain is still the one that the log knows.
 */
export const LaneOpened = define('LaneOpened', 1, {
  network: Network,
  signer: Address,
  firstNonce: Type.Integer({ minimum: 0 }),
  genesisHash: Bytes32,
});

/**
 * One attempt at a batch: the signed raw transaction, before any byte is sent. The first one read
 * back with number k is in force if k−1 is. No charges: it only clears the nonce.
 */
export const AttemptProposed = define('AttemptProposed', 1, {
  batchId: Id,
  attempt: Type.Integer({ minimum: 1 }),
  network: Network,
  signer: Address,
  nonce: Type.Integer({ minimum: 0 }),
  chargeIds: Type.Array(Id, { maxItems: 1000 }),
  /** Attempt 1 only: left out because their payers have code now; they settle alone. */
  withCode: Type.Array(Id, { maxItems: 1000 }),
  transactionHash: Bytes32,
  rawTransaction: HexBytes,
  maxFeePerGas: Atomic,
  maxPriorityFeePerGas: Atomic,
});

/** The driver handed the bytes of an attempt in force to a node; says nothing of its fate. */
export const AttemptSubmitted = define('AttemptSubmitted', 1, {
  batchId: Id,
  attempt: Type.Integer({ minimum: 1 }),
  transactionHash: Bytes32,
});

/** What became of one authorization, proved at a block at depth D. */
export const ChargeAnswer = Type.Union([
  Type.Object({ chargeId: Id, answer: Type.Literal('settled'), transactionHash: Bytes32 }),
  Type.Object({ chargeId: Id, answer: Type.Literal('paid_elsewhere'), transactionHash: Bytes32 }),
  Type.Object({ chargeId: Id, answer: Type.Literal('cancelled') }),
  Type.Object({ chargeId: Id, answer: Type.Literal('used_otherwise') }),
  Type.Object({ chargeId: Id, answer: Type.Literal('expired_unused') }),
  /** Not used and still valid: wait or try again (unfunded, for instance). */
  Type.Object({ chargeId: Id, answer: Type.Literal('unused') }),
]);

/** Read from the chain at depth D, for the batch that holds the lane's nonce. */
export const BatchObserved = define('BatchObserved', 1, {
  batchId: Id,
  network: Network,
  blockNumber: BlockNumber,
  blockHash: Bytes32,
  blockTimestampS: UnixS,
  /** Writer's time minus the timestamp of the chain's head; may be negative. */
  clockDifferenceMs: Type.Integer(),
  mined: Type.Union([
    /** Nonce used by one of our attempts. */
    Type.Object({
      by: Type.Literal('attempt'),
      attempt: Type.Integer({ minimum: 1 }),
      transactionHash: Bytes32,
      succeeded: Type.Boolean(),
      gasUsed: Atomic,
      gasCostWei: Atomic,
      minedBlockNumber: BlockNumber,
    }),
    /** Nonce used by a transaction that is no attempt: the batch is lost. */
    Type.Object({ by: Type.Literal('other') }),
  ]),
  answers: Type.Array(ChargeAnswer, { maxItems: 1000 }),
});

/** Answers for charges that wait outside a batch (unfunded, near their deadline). */
export const ChargesObserved = define('ChargesObserved', 1, {
  network: Network,
  blockNumber: BlockNumber,
  blockHash: Bytes32,
  blockTimestampS: UnixS,
  answers: Type.Array(ChargeAnswer, { maxItems: 1000 }),
  /** Would succeed now, by a simulation of the very transfers at the head, one after the other. */
  ready: Type.Array(Id, { maxItems: 1000 }),
});

export const SettlementSettingsChanged = define('SettlementSettingsChanged', 1, {
  version: Type.Integer({ minimum: 1 }),
  batchChargesMax: Type.Integer({ minimum: 1, maximum: 1000 }),
  batchAgeMaxMs: Type.Integer({ minimum: 0 }),
  /** Floor; what was measured counts if it is more. */
  deadlineMarginS: Type.Integer({ minimum: 0 }),
  batchesInFlightMax: Type.Integer({ minimum: 1, maximum: 64 }),
});

export const SignerFrozen = define('SignerFrozen', 1, { signer: Address, reason: Text });
export const SignerUnfrozen = define('SignerUnfrozen', 1, { signer: Address, reason: Text });
/** A fix is in place for a charge that the fold parked. */
export const ChargeReleased = define('ChargeReleased', 1, {
  chargeId: Id,
  ruleVersion: Type.Integer({ minimum: 1 }),
});

export const chargeEvents = [
  ChargeDue,
  LaneOpened,
  AttemptProposed,
  AttemptSubmitted,
  BatchObserved,
  ChargesObserved,
  SettlementSettingsChanged,
  SignerFrozen,
  SignerUnfrozen,
  ChargeReleased,
  TimePassed,
  PartitionClosing,
  PartitionClosed,
  PartitionSeeded,
] as const;
