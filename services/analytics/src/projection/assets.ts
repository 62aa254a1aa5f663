/** CAIP-19 ids of what events name by network and token address. */
export function assetId(network: string, asset: string): string {
  return asset === 'native' ? nativeAssetId(network) : `${network}/erc20:${asset}`;
}

/** The network's own asset, which pays gas (SLIP-44 coin type 60: Ether and its like). */
export function nativeAssetId(network: string): string {
  return `${network}/slip44:60`;
}
