import { fail } from '@paycrawl/errors/paycrawl-error';
import type { Asset } from '@paycrawl/money/money';
import type { Money } from '../routes/api-types.js';

/** The assets whose amounts may be shown; decimals are never guessed. */
export interface AssetBook {
  readonly assets: readonly Asset[];
  /** Atomic units as the warehouse gives them, with asset and decimals; may be negative. */
  money(assetId: string, atomic: bigint | string): Money;
}

export function createAssetBook(assets: readonly Asset[]): AssetBook {
  const byId = new Map(assets.map((asset) => [asset.id, asset]));
  return {
    assets,
    money(assetId, atomic) {
      const asset = byId.get(assetId);
      if (asset === undefined) {
        throw fail('asset_unknown', `No decimals are known for ${assetId}`);
      }
      return { asset: assetId, amount: BigInt(atomic).toString(), decimals: asset.decimals };
    },
  };
}

/** Sums per asset; assets whose sum is zero are left out. */
export function moniesOf(
  book: AssetBook,
  amounts: Iterable<readonly [assetId: string, atomic: bigint]>,
): Money[] {
  const sums = new Map<string, bigint>();
  for (const [assetId, atomic] of amounts) {
    sums.set(assetId, (sums.get(assetId) ?? 0n) + atomic);
  }
  return [...sums]
    .filter(([, atomic]) => atomic !== 0n)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([assetId, atomic]) => book.money(assetId, atomic));
}
