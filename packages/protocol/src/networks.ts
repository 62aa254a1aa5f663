/** Names that x402 version 1 gives to networks, beside their CAIP-2 ids. */
const v1Names: ReadonlyMap<string, string> = new Map([
  ['eip155:84532', 'base-sepolia'],
  ['eip155:8453', 'base'],
  ['eip155:43113', 'avalanche-fuji'],
  ['eip155:43114', 'avalanche'],
  ['eip155:4689', 'iotex'],
  ['eip155:1329', 'sei'],
  ['eip155:1328', 'sei-testnet'],
  ['eip155:137', 'polygon'],
  ['eip155:80002', 'polygon-amoy'],
  ['eip155:3338', 'peaq'],
  ['eip155:2741', 'abstract'],
  ['eip155:11124', 'abstract-testnet'],
  ['eip155:1514', 'story'],
  ['eip155:41923', 'educhain'],
  ['eip155:324705682', 'skale-base-sepolia'],
]);
const caip2Ids: ReadonlyMap<string, string> = new Map(
  [...v1Names].map(([network, name]) => [name, network]),
);

/** The version 1 name of a CAIP-2 network; undefined where version 1 has no name for it. */
export function v1NameOf(network: string): string | undefined {
  return v1Names.get(network);
}

export function networkOfV1Name(name: string): string | undefined {
  return caip2Ids.get(name);
}

const evmNetwork = /^eip155:([1-9][0-9]{0,31})$/;

/** The chain id of an EVM network; undefined for every other kind. */
export function evmChainIdOf(network: string): bigint | undefined {
  const id = evmNetwork.exec(network)?.[1];
  return id === undefined ? undefined : BigInt(id);
}
