import { fail } from '@paycrawl/errors/paycrawl-error';
import type { Address } from 'viem';
import { readHasCode } from './account-codes.js';
import { readBlock, readHead } from './blocks.js';
import type {
  PayerObservation,
  PayerRequest,
  PayersObservation,
  SimulationRequest,
} from './chain.js';
import { type Call, decodeAggregate3Result, encodeAggregate3 } from './multicall3.js';
import { asBigint, unreadable } from './read-answer.js';
import type { Rpc } from './rpc.js';
import { encodeAuthorizationState, encodeBalanceOf } from './usdc.js';

/** Inner calls of one `eth_call`: far below the gas that nodes allow to it (a read is ~5,000). */
const readsPerCallMax = 1_000;

export async function observePayers(
  rpc: Rpc,
  multicall3: Address,
  requests: readonly PayerRequest[],
  depth: number,
): Promise<PayersObservation> {
  const head = await readHead(rpc);
  const deepNumber = Math.max(0, head.number - depth);
  const calls = requests.flatMap(({ payer, asset, nonces }) => [
    { target: asset, data: encodeBalanceOf(payer) },
    ...nonces.map((nonce) => ({ target: asset, data: encodeAuthorizationState(payer, nonce) })),
  ]);
  const payers = requests.map(({ payer }) => payer);
  const [block, deep, atHead, codes] = await Promise.all([
    readBlock(rpc, deepNumber),
    readUints(rpc, multicall3, calls, deepNumber),
    depth === 0 ? [] : readUints(rpc, multicall3, calls, head.number),
    readHasCode(rpc, payers, head.number),
  ]);
  if (block === undefined) throw unreadable(block);
  const answers = depth === 0 ? deep : atHead;
  return { block, head, payers: assemble(requests, deep, answers, codes) };
}

/** Answers stand in the order of the calls: a balance, then its nonces, payer after payer. */
function assemble(
  requests: readonly PayerRequest[],
  deep: readonly bigint[],
  atHead: readonly bigint[],
  codes: readonly boolean[],
): readonly PayerObservation[] {
  let position = 0;
  return requests.map(({ payer, asset, nonces }, index) => {
    const start = position;
    position += 1 + nonces.length;
    return {
      payer,
      asset,
      balance: smaller(at(deep, start), at(atHead, start)),
      hasCode: at(codes, index),
      nonces: nonces.map((nonce, n) => ({
        nonce,
        used: at(deep, start + 1 + n) !== 0n || at(atHead, start + 1 + n) !== 0n,
      })),
    };
  });
}

export async function simulate(
  rpc: Rpc,
  multicall3: Address,
  { groups, gasMax }: SimulationRequest,
): Promise<readonly boolean[]> {
  const data = encodeAggregate3(groups.flat());
  const answer = await rpc.call({ to: multicall3, data, gas: gasMax, block: 'latest' });
  // The whole ran out of gas or data: none of it is known to succeed.
  if (answer.outcome === 'reverted' || answer.data === '0x') return groups.map(() => false);
  const results = decodeAggregate3Result(answer.data);
  let end = 0;
  return groups.map((group) => {
    end += group.length;
    return at(results, end - 1).success;
  });
}

/** Reads that each return one word; one that fails means that the target is no such asset. */
async function readUints(
  rpc: Rpc,
  multicall3: Address,
  calls: readonly Call[],
  block: number,
): Promise<readonly bigint[]> {
  const chunks: Promise<readonly bigint[]>[] = [];
  for (let start = 0; start < calls.length; start += readsPerCallMax) {
    const chunk = calls.slice(start, start + readsPerCallMax);
    chunks.push(readChunk(rpc, multicall3, chunk, block));
  }
  return (await Promise.all(chunks)).flat();
}

async function readChunk(
  rpc: Rpc,
  multicall3: Address,
  calls: readonly Call[],
  block: number,
): Promise<readonly bigint[]> {
  const answer = await rpc.call({ to: multicall3, data: encodeAggregate3(calls), block });
  if (answer.outcome === 'reverted' || answer.data === '0x') {
    throw fail('chain_unavailable', 'Multicall3 does not answer at this block.', {
      context: { block },
    });
  }
  const results = decodeAggregate3Result(answer.data);
  if (results.length !== calls.length) throw unreadable(results.length);
  return results.map((result, index) => {
    if (!result.success || result.data === '0x') {
      throw fail('chain_asset_invalid', 'The asset does not answer as EIP-3009 asks.', {
        context: { asset: calls[index]?.target },
      });
    }
    return asBigint(result.data);
  });
}

function at<T>(list: readonly T[], index: number): T {
  const value = list[index];
  if (value === undefined) throw unreadable(index);
  return value;
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
