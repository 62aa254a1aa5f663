import { type Address, decodeFunctionData, type Hex, toFunctionSelector } from 'viem';
import { bytesWords, openWords, word } from './abi-words.js';
import { unreadable } from './read-answer.js';

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

const aggregate3 = toFunctionSelector('aggregate3((address,bool,bytes)[])');
/** Target, permission to fail, and where the data begins. */
const tupleHeadBytes = 3 * 32;

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
  const heads: string[] = [];
  const tuples: string[] = [];
  // Offsets count from behind the length of the array.
  let offset = calls.length * 32;
  for (const { target, data } of calls) {
    const tuple = word(target) + word(1) + word(tupleHeadBytes) + bytesWords(data);
    heads.push(word(offset));
    tuples.push(tuple);
    offset += tuple.length / 2;
  }
  return `${aggregate3}${word(32)}${word(calls.length)}${heads.join('')}${tuples.join('')}`;
}

/** The calls inside `aggregate3` calldata; throws on any other data. */
export function decodeAggregate3(data: Hex): readonly Call[] {
  const { args } = decodeFunctionData({ abi: multicall3Abi, data });
  return args[0].map(({ target, callData }) => ({ target, data: callData }));
}

/** Throws `chain_unavailable` for what is no such answer. */
export function decodeAggregate3Result(data: Hex): readonly CallResult[] {
  const words = openWords(data);
  const list = words.count(0);
  const results: CallResult[] = [];
  // Offsets count from behind the length of the array, those of a tuple from its beginning.
  const start = list + 32;
  const end = start + words.count(list) * 32;
  for (let head = start; head < end; head += 32) {
    const tuple = start + words.count(head);
    const success = words.count(tuple);
    if (success > 1) throw unreadable(data);
    results.push({ success: success === 1, data: words.bytes(tuple + words.count(tuple + 32)) });
  }
  return results;
}
