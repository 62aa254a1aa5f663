import type { Hex } from 'viem';
import { type Address, decodeFunctionData, decodeFunctionResult, encodeFunctionData } from 'viem';

/** The same address on every chain (https://www.multicall3.com/deployments). */
export const multicall3Address: Address = '0xcA11bde05977b3631167028862bE2a173976CA11';

export const multicall3Abi = [
  {
    type: 'function',
    name: 'aggregate3',
    stateMutability: 'payable',
    inputs: [
      {
        name: 'calls',
        type: 'tuple[]',
        components: [
          { name: 'target', type: 'address' },
          { name: 'allowFailure', type: 'bool' },
          { name: 'callData', type: 'bytes' },
        ],
      },
    ],
    outputs: [
      {
        name: 'returnData',
        type: 'tuple[]',
        components: [
          { name: 'success', type: 'bool' },
          { name: 'returnData', type: 'bytes' },
        ],
      },
    ],
  },
] as const;

export interface Call {
  readonly target: Address;
  readonly data: Hex;
}

export interface CallResult {
  readonly success: boolean;
  readonly data: Hex;
}

/** Calldata of one `aggregate3` in which each call may fail alone. */
export function encodeAggregate3(calls: readonly Call[]): Hex {
  const tuples = calls.map(({ target, data }) => ({ target, allowFailure: true, callData: data }));
  return encodeFunctionData({ abi: multicall3Abi, functionName: 'aggregate3', args: [tuples] });
}

/** The calls inside `aggregate3` calldata; throws on any other data. */
export function decodeAggregate3(data: Hex): readonly Call[] {
  const { args } = decodeFunctionData({ abi: multicall3Abi, data });
  return args[0].map(({ target, callData }) => ({ target, data: callData }));
}

export function decodeAggregate3Result(data: Hex): readonly CallResult[] {
  const results = decodeFunctionResult({ abi: multicall3Abi, functionName: 'aggregate3', data });
  return results.map(({ success, returnData }) => ({ success, data: returnData }));
}
