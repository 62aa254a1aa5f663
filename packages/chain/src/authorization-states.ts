import { fail } from '@paycrawl/errors/paycrawl-error';
import { type Hex, toFunctionSelector } from 'viem';
import type { AuthorizationStatesRequest } from './chain.js';
import { unreadable } from './read-answer.js';
import type { Rpc } from './rpc.js';

/** 47 kB of pairs: below the 48 kB that EIP-3860 allows to code that runs once. */
const pairsPerCallMax = 900;

const authorizationState = toFunctionSelector('authorizationState(address,bytes32)').slice(2);

/**
 * Creation code that asks the asset about each pair of address and nonce behind it, and answers one
 * byte for each: 0 unused, 1 used or cancelled, 2 where the asset does not answer. A call without a
 * target runs it and creates nothing. Multicall3 is asked five times as much for each pair, and
 * answers 160 bytes.
 */
function askStates(asset: Hex): string {
  return [
    `63${authorizationState}600052`, // MSTORE(0, selector): its four bytes stand at 28
    '60006068', // i = 0; p = where this code ends, at 104
    '5b80381115606357', // loop: while p < CODESIZE
    '601481602c39', // CODECOPY(44, p, 20): the address, as a word at 32
    '602081601401604039', // CODECOPY(64, p + 20, 32): the nonce
    `602060606044601c73${asset.slice(2)}5afa`, // STATICCALL(GAS, asset, 28, 68, 96, 32)
    '601f3d1116', // answered = it succeeded with RETURNDATASIZE > 31
    '6060511515810290158001', // MLOAD(96) != 0 ? answered : 0; answered ? 0 : 2
    '018260800153', // MSTORE8(128 + i, their sum)
    '6034019060010190600c56', // p += 52; i += 1
    '5b506080f3', // RETURN(128, i)
  ].join('');
}

/** `authorizationState` of each pair at one block. */
export async function readAuthorizationStates(
  rpc: Rpc,
  { asset, authorizations, blockNumber }: AuthorizationStatesRequest,
): Promise<readonly boolean[]> {
  const code = askStates(asset);
  const chunks: Promise<readonly boolean[]>[] = [];
  for (let start = 0; start < authorizations.length; start += pairsPerCallMax) {
    const pairs = authorizations.slice(start, start + pairsPerCallMax);
    chunks.push(readChunk(rpc, asset, code, pairs, blockNumber));
  }
  return (await Promise.all(chunks)).flat();
}

async function readChunk(
  rpc: Rpc,
  asset: Hex,
  code: string,
  pairs: AuthorizationStatesRequest['authorizations'],
  block: number,
): Promise<readonly boolean[]> {
  let data: Hex = `0x${code}`;
  for (const { authorizer, nonce } of pairs) data += authorizer.slice(2) + nonce.slice(2);
  const answer = await rpc.call({ data, block });
  if (answer.outcome === 'reverted') {
    throw fail('chain_unavailable', 'The chain node does not tell which nonces are used.', {
      context: { block },
    });
  }
  const flags = answer.data.slice(2);
  // Another length, or a byte that says nothing, is no answer.
  if (flags.length !== pairs.length * 2 || !/^(0[012])*$/.test(flags))
    throw unreadable(answer.data);
  if (flags.includes('2')) {
    throw fail('chain_asset_invalid', 'The asset does not answer as EIP-3009 asks.', {
      context: { asset },
    });
  }
  return pairs.map((_, index) => flags[index * 2 + 1] === '1');
}
