import { Type } from '@sinclair/typebox';
import { define } from './definition.js';
import { GenerationOpened } from './generations.js';
import { Address, Dialect, Id, Network, Text } from './schema.js';

/** A publisher: its hosts, the origin behind them and where its money goes. */
export const PublisherRegistered = define('PublisherRegistered', 1, {
  publisherId: Id,
  name: Text,
  hosts: Type.Array(Type.String({ maxLength: 255 }), { minItems: 1, maxItems: 1000 }),
  origin: Type.String({ maxLength: 2048 }),
  network: Network,
  asset: Address,
  payTo: Address,
});

/** The whole price book in a new version; its shape belongs to packages/pricing. */
export const PriceBookReplaced = define('PriceBookReplaced', 2, {
  publisherId: Id,
  version: Type.Integer({ minimum: 1 }),
  book: Type.Record(Type.String(), Type.Unknown()),
});

export const PublisherFrozen = define('PublisherFrozen', 1, { publisherId: Id, reason: Text });
export const PublisherUnfrozen = define('PublisherUnfrozen', 1, { publisherId: Id, reason: Text });

/** `exact` is offered no longer (queue too long, gas too dear), or again. */
export const OfferWithdrawn = define('OfferWithdrawn', 1, { dialect: Dialect, reason: Text });
export const OfferRestored = define('OfferRestored', 1, { dialect: Dialect, reason: Text });

/** Published by settlement from what it measured; the margins follow from it. */
export const SettlementMeasured = define('SettlementMeasured', 1, {
  partition: Type.Integer({ minimum: 0 }),
  network: Network,
  queueCharges: Type.Integer({ minimum: 0 }),
  ratePerMinute: Type.Integer({ minimum: 0 }),
  slowestConfirmationMs: Type.Integer({ minimum: 0 }),
  /** Log time minus block time, as observed; may be negative. */
  clockDifferenceMs: Type.Integer(),
  marginS: Type.Integer({ minimum: 0 }),
  /** What one more authorization costs, in wei. */
  gasCostWeiPerCharge: Type.String({ pattern: '^(0|[1-9][0-9]{0,77})$' }),
});

export const registryEvents = [
  PublisherRegistered,
  PriceBookReplaced,
  PublisherFrozen,
  PublisherUnfrozen,
  OfferWithdrawn,
  OfferRestored,
  SettlementMeasured,
  GenerationOpened,
] as const;
