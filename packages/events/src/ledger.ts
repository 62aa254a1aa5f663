import { Type } from '@sinclair/typebox';
import { define } from './definition.js';
import { Address, Atomic, ChargeKind, Id, Network, Payer } from './schema.js';

/** One account of the chart: purpose and owner, e.g. `payer_receivable/eip155:84532:0x…`. */
export const LedgerEntry = Type.Object({
  account: Id,
  side: Type.Union([Type.Literal('debit'), Type.Literal('credit')]),
  amount: Atomic,
});

export const LedgerMoment = Type.Union([
  Type.Literal('charge_posted'),
  Type.Literal('charge_in_flight'),
  Type.Literal('charge_returned'),
  Type.Literal('charge_settled'),
  Type.Literal('charge_uncollectible'),
  Type.Literal('loss_posted'),
  Type.Literal('platform_fee'),
  Type.Literal('gas_spent'),
]);

/** All entries of one balanced transaction in one asset. */
export const LedgerPosted = define('LedgerPosted', 1, {
  moment: LedgerMoment,
  /** Absent for gas; that of an API key names its account as the publisher. */
  chargeId: Type.Optional(Id),
  payer: Type.Optional(Payer),
  publisherId: Type.Optional(Id),
  kind: Type.Optional(ChargeKind),
  network: Network,
  /** Token address, or `native` for the network's own asset (gas). */
  asset: Type.Union([Address, Type.Literal('native')]),
  entries: Type.Array(LedgerEntry, { minItems: 2, maxItems: 16 }),
});

export const ledgerEvents = [LedgerPosted] as const;
