import { type Static, Type } from '@sinclair/typebox';

/** Field schemas shared by the events. Amounts are decimal strings of atomic units. */

export const Text = Type.String({ maxLength: 8192 });
/** Atomic units, uint256 at most (78 digits). */
export const Atomic = Type.String({ pattern: '^(0|[1-9][0-9]{0,77})$' });
/** CAIP-2, e.g. `eip155:84532`. */
export const Network = Type.String({ pattern: '^[-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}$' });
/** EVM address, lower case always: equality is string equality. */
export const Address = Type.String({ pattern: '^0x[0-9a-f]{40}$' });
export const Bytes32 = Type.String({ pattern: '^0x[0-9a-f]{64}$' });
export const HexBytes = Type.String({ pattern: '^0x(?:[0-9a-f]{2})*$', maxLength: 131072 });
/** CAIP-10 account, lower case: `eip155:84532:0x…`. */
export const Payer = Type.String({
  pattern: '^[-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}:[-.%a-zA-Z0-9]{1,128}$',
});
export const UnixMs = Type.Integer({ minimum: 0 });
export const UnixS = Type.Integer({ minimum: 0 });
export const BlockNumber = Type.Integer({ minimum: 0 });
export const Id = Type.String({ minLength: 1, maxLength: 200 });

/** EIP-3009 TransferWithAuthorization as signed; numbers as decimal strings. */
export const Authorization = Type.Object({
  from: Address,
  to: Address,
  value: Atomic,
  validAfter: Atomic,
  validBefore: Atomic,
  nonce: Bytes32,
});
export type Authorization = Static<typeof Authorization>;

/** What is paid with: network, asset and amount of one charge. */
export const moneyFields = {
  network: Network,
  asset: Address,
  amount: Atomic,
} as const;

/** The charge that an event speaks of. `chargeId` is also the id of the proof and of the crawl. */
export const chargeFields = {
  chargeId: Id,
  payer: Payer,
  publisherId: Id,
  ...moneyFields,
} as const;

export const ChargeKind = Type.Union([Type.Literal('crawl'), Type.Literal('facilitated')]);
export type ChargeKind = Static<typeof ChargeKind>;

export const Dialect = Type.Union([Type.Literal('x402-v2-exact'), Type.Literal('x402-v1-exact')]);
export type Dialect = Static<typeof Dialect>;

/** How the signature was checked before the proof was written (design: Signatures). */
export const SignatureCheck = Type.Union([
  Type.Object({ kind: Type.Literal('recovered') }),
  Type.Object({ kind: Type.Literal('asked'), blockNumber: BlockNumber }),
]);

/** The outcome of a delivery; the price book says which are billable. */
export const Outcome = Type.Union([
  Type.Literal('delivered'),
  Type.Literal('head'),
  Type.Literal('partial_content'),
  Type.Literal('not_modified'),
  Type.Literal('redirected'),
  Type.Literal('client_disconnected'),
  Type.Literal('origin_4xx'),
  Type.Literal('origin_5xx'),
  Type.Literal('origin_unreachable'),
  Type.Literal('origin_timeout'),
  Type.Literal('origin_truncated'),
  Type.Literal('abandoned'),
]);
export type Outcome = Static<typeof Outcome>;

/** Facts of the request that both proof and charge carry, for bills and charts. */
export const requestFields = {
  method: Type.String({ maxLength: 32 }),
  host: Type.String({ maxLength: 255 }),
  path: Text,
  crawler: Type.String({ maxLength: 200 }),
  ruleId: Id,
  ruleVersion: Type.Integer({ minimum: 0 }),
  dialect: Dialect,
} as const;
