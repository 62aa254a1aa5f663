import type { Address, Hex } from 'viem';
import { readHasCode } from './account-codes.js';
import { findAuthorizationEvents } from './authorization-events.js';
import { readAuthorizationStates } from './authorization-states.js';
import { readBlock, readHead, readTransaction } from './blocks.js';
import type { Chain } from './chain.js';
import { multicall3Address } from './multicall3.js';
import { observePayers, simulate } from './payers.js';
import { asBigint, asCount, unreadable } from './read-answer.js';
import { blockParameter, openRpc } from './rpc.js';
import { checkSignature } from './signatures.js';
import { submitTransaction } from './submit.js';
import { encodeBalanceOf } from './usdc.js';

export interface ChainOptions {
  readonly rpcUrl: string;
  readonly chainId: number;
  /** Bound of one HTTP exchange with the node; default 5 s, well over any healthy answer. */
  readonly timeoutMs?: number;
  readonly multicall3?: Address;
  /** Gas of one signature check, which runs code that the payer chose. */
  readonly signatureGasMax?: bigint;
  /** Public nodes refuse wider `eth_getLogs` ranges than about this. */
  readonly logRangeBlocksMax?: number;
}

const defaults = {
  timeoutMs: 5_000,
  signatureGasMax: 3_000_000n,
  logRangeBlocksMax: 2_000,
} as const;

/** Opens nothing until the first question; there is nothing to close. */
export function openChain(options: ChainOptions): Chain {
  const rpc = openRpc({
    rpcUrl: options.rpcUrl,
    timeoutMs: options.timeoutMs ?? defaults.timeoutMs,
  });
  const multicall3 = options.multicall3 ?? multicall3Address;
  const gasMax = options.signatureGasMax ?? defaults.signatureGasMax;
  const rangeMax = options.logRangeBlocksMax ?? defaults.logRangeBlocksMax;
  return {
    chainId: options.chainId,
    identity: async () => {
      const [chainId, genesis] = await Promise.all([rpc.ask('eth_chainId', []), readBlock(rpc, 0)]);
      if (genesis === undefined) throw unreadable(genesis);
      return { chainId: asCount(chainId), genesisHash: genesis.hash };
    },
    head: () => readHead(rpc),
    block: (id) => readBlock(rpc, id),
    observePayers: (requests, depth) => observePayers(rpc, multicall3, requests, depth),
    authorizationStates: (request) => readAuthorizationStates(rpc, request),
    authorizationEvents: (request) => findAuthorizationEvents(rpc, request, rangeMax),
    isValidSignature: (request) => checkSignature(rpc, request, gasMax),
    simulate: (request) => simulate(rpc, multicall3, request),
    hasCode: (addresses, block) => readHasCode(rpc, addresses, block),
    transactionAt: (hash) => readTransaction(rpc, hash),
    accountNonce: async (address, block) =>
      asCount(await rpc.ask('eth_getTransactionCount', [address, blockParameter(block)])),
    balanceOf: async (asset, owner, block) => {
      const answer = await rpc.call({ to: asset, data: encodeBalanceOf(owner), block });
      if (answer.outcome !== 'returned') throw unreadable(answer);
      return asBigint(answer.data);
    },
    gasBalanceWei: async (address) =>
      asBigint(await rpc.ask('eth_getBalance', [address, 'latest'])),
    fees: async () => {
      const [head, tip] = await Promise.all([
        readHead(rpc),
        rpc.ask('eth_maxPriorityFeePerGas', []),
      ]);
      return { baseFeeWei: head.baseFeeWei, tipWei: asBigint(tip) };
    },
    submit: (rawTransaction: Hex) => submitTransaction(rpc, rawTransaction),
  };
}
