import { type Hex, padHex } from 'viem';
import { readTransaction } from './blocks.js';
import type { AuthorizationEnd, AuthorizationEventsRequest } from './chain.js';
import { asHex, asList, asRecord, quantity, type Rpc } from './rpc.js';
import { authorizationCanceledTopic, authorizationEnds, authorizationUsedTopic } from './usdc.js';

/** Nonces of one `eth_getLogs` filter; nodes bound the size of a topic list. */
const noncesPerFilterMax = 500;

/** Newest ranges first, because a nonce that matters was used recently. */
export async function findAuthorizationEvents(
  rpc: Rpc,
  request: AuthorizationEventsRequest,
  rangeBlocksMax: number,
): Promise<readonly AuthorizationEnd[]> {
  const hashes = new Set<Hex>();
  for (let start = 0; start < request.nonces.length; start += noncesPerFilterMax) {
    const nonces = request.nonces.slice(start, start + noncesPerFilterMax);
    let toBlock = request.toBlock;
    while (toBlock >= request.fromBlock) {
      const fromBlock = Math.max(request.fromBlock, toBlock - rangeBlocksMax + 1);
      const found = await findHashes(rpc, { ...request, nonces, fromBlock, toBlock });
      for (const hash of found) hashes.add(hash);
      toBlock = fromBlock - 1;
    }
  }
  const wanted = new Set(request.nonces.map((nonce) => nonce.toLowerCase()));
  const ends = await Promise.all([...hashes].map((hash) => endsOf(rpc, request, hash)));
  return ends.flat().filter(({ nonce }) => wanted.has(nonce));
}

async function findHashes(rpc: Rpc, request: AuthorizationEventsRequest): Promise<readonly Hex[]> {
  const filter = {
    address: request.asset,
    fromBlock: quantity(request.fromBlock),
    toBlock: quantity(request.toBlock),
    topics: [
      [authorizationUsedTopic, authorizationCanceledTopic],
      null,
      request.nonces.map((nonce) => padHex(nonce, { size: 32 })),
    ],
  };
  const logs = asList(await rpc.ask('eth_getLogs', [filter]));
  return logs.map((log) => asHex(asRecord(log).transactionHash));
}

async function endsOf(
  rpc: Rpc,
  request: AuthorizationEventsRequest,
  transactionHash: Hex,
): Promise<readonly AuthorizationEnd[]> {
  const receipt = await readTransaction(rpc, transactionHash);
  // Gone since the logs were read: a reorganisation; the next question tells.
  if (receipt.outcome === 'absent' || !receipt.succeeded) return [];
  const { blockNumber, blockHash, logs } = receipt;
  if (blockNumber < request.fromBlock || blockNumber > request.toBlock) return [];
  return authorizationEnds(request.asset, logs, { transactionHash, blockNumber, blockHash });
}
