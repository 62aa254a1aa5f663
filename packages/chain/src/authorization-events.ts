import { type Hex, padHex } from 'viem';
import { asLog, readTransaction } from './blocks.js';
import type { AuthorizationEnd, AuthorizationEventsRequest } from './chain.js';
import { asHex, asList, asRecord } from './read-answer.js';
import { quantity, type Rpc } from './rpc.js';
import { authorizationCanceledTopic, authorizationEnds, authorizationUsedTopic } from './usdc.js';

/** Authorizations of one `eth_getLogs` filter; nodes bound the size of a topic list. */
const authorizationsPerFilterMax = 500;
/** Calls of one tick share an answer, and the receipt of a full batch has more than 100 kB. */
const receiptsAtOnce = 16;

/**
 * Newest ranges first, because a nonce that matters was used recently; an authorization ends once,
 * so the search ends when every one was found. Another account may use the same nonce, so only
 * the pair of authorizer and nonce counts.
 */
export async function findAuthorizationEvents(
  rpc: Rpc,
  request: AuthorizationEventsRequest,
  rangeBlocksMax: number,
): Promise<readonly AuthorizationEnd[]> {
  const hashes = new Set<Hex>();
  const wanted = new Set(request.authorizations.map(pairOf));
  for (let start = 0; start < request.authorizations.length; start += authorizationsPerFilterMax) {
    const authorizations = request.authorizations.slice(start, start + authorizationsPerFilterMax);
    const missing = new Set(authorizations.map(pairOf));
    let { toBlock } = request;
    while (toBlock >= request.fromBlock && missing.size > 0) {
      const fromBlock = Math.max(request.fromBlock, toBlock - rangeBlocksMax + 1);
      const found = await findLogs(rpc, { ...request, authorizations, fromBlock, toBlock });
      for (const { pair, transactionHash } of found) {
        if (missing.delete(pair)) hashes.add(transactionHash);
      }
      toBlock = fromBlock - 1;
    }
  }
  const all = [...hashes];
  const ends: AuthorizationEnd[] = [];
  for (let start = 0; start < all.length; start += receiptsAtOnce) {
    const some = all.slice(start, start + receiptsAtOnce);
    const found = await Promise.all(some.map((hash) => endsOf(rpc, request, hash)));
    ends.push(...found.flat());
  }
  return ends.filter((end) => wanted.has(pairOf(end)));
}

function pairOf({ authorizer, nonce }: { authorizer: string; nonce: string }): string {
  return `${authorizer}/${nonce}`.toLowerCase();
}

interface FoundLog {
  readonly pair: string;
  readonly transactionHash: Hex;
}

async function findLogs(
  rpc: Rpc,
  request: AuthorizationEventsRequest,
): Promise<readonly FoundLog[]> {
  const words = (values: readonly Hex[]) =>
    [...new Set(values)].map((v) => padHex(v, { size: 32 }));
  const filter = {
    address: request.asset,
    fromBlock: quantity(request.fromBlock),
    toBlock: quantity(request.toBlock),
    topics: [
      [authorizationUsedTopic, authorizationCanceledTopic],
      words(request.authorizations.map(({ authorizer }) => authorizer)),
      words(request.authorizations.map(({ nonce }) => nonce)),
    ],
  };
  const logs = asList(await rpc.ask('eth_getLogs', [filter]));
  return logs.map((value) => {
    const { topics } = asLog(value);
    const authorizer = `0x${(topics[1] ?? '').slice(-40)}`;
    const pair = pairOf({ authorizer, nonce: topics[2] ?? '' });
    return { pair, transactionHash: asHex(asRecord(value).transactionHash) };
  });
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
