import type { EventOfType, RegistryEvent } from '@paycrawl/events/event';
import type { Dialect } from '@paycrawl/events/schema';
import { type CompiledBook, compileBook } from '@paycrawl/pricing/match-rule';
import { type PriceRule, readPriceBook } from '@paycrawl/pricing/price-book';
import type { QuoteWriter } from '@paycrawl/protocol/quote';
import type { PreparedOffer as PreparedV1 } from '@paycrawl/protocol/x402-v1-exact/offer';
import type { PreparedOffer as PreparedV2 } from '@paycrawl/protocol/x402-v2-exact/offer';
import { assetOf, type PaymentToken, type TokenOf } from './token.js';

/** A publisher's site as this ingress serves it: a copy of what the registry says. */
export interface Site {
  readonly publisherId: string;
  readonly name: string;
  /** Scheme and authority of the one server that requests for this site go to. */
  readonly origin: string;
  /** Its authority, as the `Host` of what it is asked. */
  readonly originHost: string;
  readonly network: string;
  readonly asset: string;
  readonly payTo: string;
  /** Undefined where this ingress does not know the asset: priced pages are then not served. */
  readonly token: PaymentToken | undefined;
  readonly book: CompiledBook | undefined;
  readonly bookVersion: number;
  readonly isFrozen: boolean;
  /** Offers made once per rule; forgotten with this copy. */
  readonly offers: Map<PriceRule, PreparedOffers>;
}

export interface PreparedOffers {
  readonly v2: PreparedV2;
  readonly v1: PreparedV1;
  readonly writeQuote: QuoteWriter;
}

export interface Sites {
  apply(event: RegistryEvent): void;
  /** By the Host header, with its port or without. */
  byHost(host: string): Site | undefined;
  isWithdrawn(dialect: Dialect): boolean;
  /** The largest margin that settlement published, in seconds. */
  marginS(): number;
  /** What settling one more charge costs, as settlement measured it; 0 before it did. */
  gasCostWeiPerCharge(): bigint;
}

type Registered = EventOfType<'PublisherRegistered'>['data'];
type Replaced = EventOfType<'PriceBookReplaced'>['data'];

interface State {
  readonly registered: Map<string, Registered>;
  /** The newest usable ones. */
  readonly books: Map<string, Replaced>;
  readonly versions: Map<string, number>;
  readonly frozen: Set<string>;
  readonly withdrawn: Set<Dialect>;
  readonly marginsS: Map<number, number>;
  /** The largest of them. */
  marginS: number;
  gasCostWeiPerCharge: bigint;
  readonly sites: Map<string, Site>;
  readonly publisherByHost: Map<string, string>;
}

export interface SitesOptions {
  readonly tokenOf: TokenOf;
  /** A registry entry that cannot be used; what was in force stays in force. */
  readonly onUnusable: (publisherId: string, error: unknown) => void;
}

export function createSites(options: SitesOptions): Sites {
  const state: State = {
    registered: new Map(),
    books: new Map(),
    versions: new Map(),
    frozen: new Set(),
    withdrawn: new Set(),
    marginsS: new Map(),
    marginS: 0,
    gasCostWeiPerCharge: 0n,
    sites: new Map(),
    publisherByHost: new Map(),
  };
  return {
    apply: (event) => apply(state, event, options),
    byHost: (host) => siteByHost(state, host),
    isWithdrawn: (dialect) => state.withdrawn.has(dialect),
    marginS: () => state.marginS,
    gasCostWeiPerCharge: () => state.gasCostWeiPerCharge,
  };
}

function apply(state: State, event: RegistryEvent, options: SitesOptions): void {
  switch (event.type) {
    case 'PublisherRegistered':
      return register(state, event.data, options);
    case 'PriceBookReplaced':
      return replaceBook(state, event.data, options);
    case 'PublisherFrozen':
      state.frozen.add(event.data.publisherId);
      return rebuild(state, event.data.publisherId, options);
    case 'PublisherUnfrozen':
      state.frozen.delete(event.data.publisherId);
      return rebuild(state, event.data.publisherId, options);
    case 'OfferWithdrawn':
      state.withdrawn.add(event.data.dialect);
      return;
    case 'OfferRestored':
      state.withdrawn.delete(event.data.dialect);
      return;
    case 'SettlementMeasured':
      state.marginsS.set(event.data.partition, event.data.marginS);
      state.marginS = Math.max(0, ...state.marginsS.values());
      state.gasCostWeiPerCharge = BigInt(event.data.gasCostWeiPerCharge);
      return;
    case 'GenerationOpened':
      // Who started this process watches for it.
      return;
    default:
      event satisfies never;
  }
}

/** Versions follow each other: of two replacements of one version the first in the log is it. */
function replaceBook(state: State, data: Replaced, options: SitesOptions): void {
  const { publisherId, version, book } = data;
  if (version !== (state.versions.get(publisherId) ?? 0) + 1) return;
  state.versions.set(publisherId, version);
  try {
    readPriceBook(book);
  } catch (error) {
    return options.onUnusable(publisherId, error);
  }
  state.books.set(publisherId, data);
  rebuild(state, publisherId, options);
}

function register(state: State, data: Registered, options: SitesOptions): void {
  for (const [host, publisherId] of state.publisherByHost) {
    if (publisherId === data.publisherId) state.publisherByHost.delete(host);
  }
  for (const host of data.hosts) state.publisherByHost.set(host.toLowerCase(), data.publisherId);
  state.registered.set(data.publisherId, data);
  rebuild(state, data.publisherId, options);
}

function rebuild(state: State, publisherId: string, options: SitesOptions): void {
  const registered = state.registered.get(publisherId);
  if (registered === undefined) return;
  try {
    state.sites.set(publisherId, siteOf(state, registered, options.tokenOf));
  } catch (error) {
    options.onUnusable(publisherId, error);
  }
}

function siteOf(state: State, registered: Registered, tokenOf: TokenOf): Site {
  const { publisherId, name, network, asset, payTo } = registered;
  const token = tokenOf(network, asset);
  const replaced = state.books.get(publisherId);
  const { origin, host: originHost } = new URL(registered.origin);
  // Amounts cannot be counted in an unknown token; six decimals only decide what is priced.
  const counted = token === undefined ? { id: asset, symbol: '', decimals: 6 } : assetOf(token);
  return {
    publisherId,
    name,
    origin,
    originHost,
    network,
    asset,
    payTo,
    token,
    book: replaced && compileBook(readPriceBook(replaced.book), counted),
    bookVersion: replaced?.version ?? 0,
    isFrozen: state.frozen.has(publisherId),
    offers: new Map(),
  };
}

const port = /:\d*$/;

function siteByHost(state: State, host: string): Site | undefined {
  const lower = host.toLowerCase();
  const publisherId =
    state.publisherByHost.get(lower) ?? state.publisherByHost.get(lower.replace(port, ''));
  return publisherId === undefined ? undefined : state.sites.get(publisherId);
}
