import type { Asset } from '@paycrawl/money/money';
import type { Token } from '@paycrawl/protocol/exact-evm';

/** A token that payments are taken in: its EIP-712 domain and how it is counted. */
export interface PaymentToken extends Token {
  readonly symbol: string;
  readonly decimals: number;
}

/** Circle's USDC; name and version are what the contracts answer (they differ per chain). */
export const knownTokens: readonly PaymentToken[] = [
  {
    network: 'eip155:84532',
    chainId: 84532n,
    asset: '0x036cbd53842c5426634e7929541ec2318f3dcf7e',
    name: 'USDC',
    version: '2',
    symbol: 'USDC',
    decimals: 6,
  },
  {
    network: 'eip155:8453',
    chainId: 8453n,
    asset: '0x833589fcd6edb6e08f4c7c32d4f71b54bda02913',
    name: 'USD Coin',
    version: '2',
    symbol: 'USDC',
    decimals: 6,
  },
];

export type TokenOf = (network: string, asset: string) => PaymentToken | undefined;

export function tokenLookup(tokens: readonly PaymentToken[]): TokenOf {
  const byId = new Map(tokens.map((token) => [`${token.network}/${token.asset}`, token]));
  return (network, asset) => byId.get(`${network}/${asset}`);
}

export function assetOf(token: PaymentToken): Asset {
  const { network, asset, symbol, decimals } = token;
  return { id: `${network}/erc20:${asset}`, symbol, decimals };
}
