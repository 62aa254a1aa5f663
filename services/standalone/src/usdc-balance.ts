import { openChain } from '@paycrawl/chain/chain-client';
import type { Address } from 'viem';
import type { RunFile } from './run-file.js';

/** What the chain itself says that an address holds, at its head. */
export async function usdcBalance(
  chain: Pick<RunFile['chain'], 'rpc' | 'asset'>,
  owner: string,
): Promise<bigint> {
  const client = openChain({ rpcUrl: chain.rpc, chainId: 84532 });
  return client.balanceOf(chain.asset as Address, owner as Address, 'latest');
}
