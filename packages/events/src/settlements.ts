import { Type } from '@sinclair/typebox';
import { define } from './definition.js';
import { Address, Atomic, BlockNumber, Bytes32, Id, Network, Text } from './schema.js';

/** The charges of one transaction and the nonce that the fold gave to it. */
export const BatchSealed = define('BatchSealed', 1, {
  batchId: Id,
  network: Network,
  asset: Address,
  signer: Address,
  nonce: Type.Integer({ minimum: 0 }),
  chargeIds: Type.Array(Id, { minItems: 1, maxItems: 1000 }),
  amount: Atomic,
  reason: Type.Union([
    Type.Literal('full'),
    Type.Literal('old'),
    Type.Literal('deadline'),
    Type.Literal('at_once'),
    Type.Literal('alone'),
  ]),
});

/** An attempt came into force: its bytes may be sent from now on. */
export const BatchSubmitted = define('BatchSubmitted', 1, {
  batchId: Id,
  attempt: Type.Integer({ minimum: 1 }),
  transactionHash: Bytes32,
});

export const BatchConfirmed = define('BatchConfirmed', 1, {
  batchId: Id,
  network: Network,
  attempt: Type.Integer({ minimum: 1 }),
  transactionHash: Bytes32,
  blockNumber: BlockNumber,
  gasUsed: Atomic,
  gasCostWei: Atomic,
  settled: Type.Integer({ minimum: 0 }),
  returned: Type.Integer({ minimum: 0 }),
  uncollectible: Type.Integer({ minimum: 0 }),
  amountSettled: Atomic,
});

/** The nonce was used by a transaction that is none of ours; the charges return. */
export const BatchLost = define('BatchLost', 1, { batchId: Id, reason: Text });

/** A charge that the fold could not handle stands aside; the lane goes on. */
export const ChargeParked = define('ChargeParked', 1, {
  chargeId: Id,
  code: Id,
  offset: Type.Integer({ minimum: 0 }),
});

export const settlementEvents = [
  BatchSealed,
  BatchSubmitted,
  BatchConfirmed,
  BatchLost,
  ChargeParked,
] as const;
