import { Type } from '@sinclair/typebox';
import { define } from './definition.js';
import { Address, Atomic, Dialect, Id, Network, requestFields, Text, UnixMs } from './schema.js';

/** A 402 was answered. */
export const ChallengeIssued = define('ChallengeIssued', 1, {
  challengeId: Id,
  publisherId: Id,
  requestId: Id,
  method: requestFields.method,
  host: requestFields.host,
  path: requestFields.path,
  crawler: requestFields.crawler,
  ruleId: requestFields.ruleId,
  ruleVersion: requestFields.ruleVersion,
  network: Network,
  asset: Address,
  amount: Atomic,
  payTo: Address,
  expiresAtMs: UnixMs,
});

/** A proof was refused before it reached its payer's partition. */
export const ProofRefused = define('ProofRefused', 1, {
  publisherId: Id,
  requestId: Id,
  challengeId: Type.Optional(Id),
  dialect: Type.Optional(Dialect),
  method: requestFields.method,
  host: requestFields.host,
  path: requestFields.path,
  crawler: requestFields.crawler,
  /** Our code, from the catalogue. */
  code: Id,
  /** The dialect's own word for it (x402 reason). */
  reason: Text,
  status: Type.Integer({ minimum: 400, maximum: 599 }),
  /** Who the proof claims to be; not verified. */
  claimedPayer: Type.Optional(Text),
});

/** The facilitator API was asked to verify; an answer, without a hold or a change of state. */
export const VerificationAnswered = define('VerificationAnswered', 1, {
  /** The account of the API key: it stands where a publisher stands. */
  publisherId: Id,
  requestId: Id,
  isValid: Type.Boolean(),
  reason: Type.Optional(Text),
  payer: Type.Optional(Text),
  network: Type.Optional(Text),
  amount: Type.Optional(Text),
});

export const challengeEvents = [ChallengeIssued, ProofRefused, VerificationAnswered] as const;
