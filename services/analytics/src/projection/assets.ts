import { fail } from '@paycrawl/errors/paycrawl-error';

/** CAIP-19 ids of what events name by network and token address. */
export function assetId(network: string, asset: string): string {
  const ofNetwork = ids.get(network) ?? new Map<string, string>();
  const known = ofNetwork.get(asset);
  if (known !== undefined) return known;
  const id = asset === 'native' ? nativeAssetId(network) : `${network}/erc20:${asset}`;
  if (ids.size + ofNetwork.size < idsKeptMax) ids.set(network, ofNetwork.set(asset, id));
  return id;
}

/** Remembered: what is the same string is found in maps by its kept hash. */
const ids = new Map<string, Map<string, string>>();
const idsKeptMax = 1_000;

/** The network's own asset, which pays gas (SLIP-44 coin type 60: Ether and its like). */
export function nativeAssetId(network: string): string {
  return `${network}/slip44:60`;
}

/**
 * Columns of totals hold 128 bits and readers sum up to 2^28 of them, which the engine would wrap
 * silently. A million million tokens of 18 decimals fit; more in one hour is no crawl revenue.
 */
const amountMax = 2n ** 100n - 1n;

export function atomicOf(text: string): bigint {
  return checked(BigInt(text));
}

export function checked(amount: bigint): bigint {
  if (amount > amountMax) throw fail('record_unreadable', 'An amount is too large to be summed');
  return amount;
}
