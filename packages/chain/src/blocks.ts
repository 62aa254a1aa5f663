import type { Address, Hex } from 'viem';
import type { BlockHeader, Log, TransactionAnswer } from './chain.js';
import { asBigint, asCount, asHex, asList, asRecord, unreadable } from './read-answer.js';
import { blockParameter, type Rpc } from './rpc.js';

export async function readHead(rpc: Rpc): Promise<BlockHeader> {
  return asHeader(await rpc.ask('eth_getBlockByNumber', ['latest', false]));
}

export async function readBlock(rpc: Rpc, id: number | Hex): Promise<BlockHeader | undefined> {
  const found =
    typeof id === 'number'
      ? await rpc.ask('eth_getBlockByNumber', [blockParameter(id), false])
      : await rpc.ask('eth_getBlockByHash', [id, false]);
  return found === null ? undefined : asHeader(found);
}

export async function readTransaction(rpc: Rpc, hash: Hex): Promise<TransactionAnswer> {
  const found = await rpc.ask('eth_getTransactionReceipt', [hash]);
  if (found === null) return { outcome: 'absent' };
  const receipt = asRecord(found);
  // A receipt of another transaction is a lie or a mix-up: no answer.
  if (asHex(receipt.transactionHash) !== hash.toLowerCase()) throw unreadable(receipt);
  const gasUsed = asBigint(receipt.gasUsed);
  const l1Fee = receipt.l1Fee;
  const firstLayerFeeWei = l1Fee === undefined || l1Fee === null ? 0n : asBigint(l1Fee);
  return {
    outcome: 'mined',
    succeeded: asCount(receipt.status) === 1,
    blockNumber: asCount(receipt.blockNumber),
    blockHash: asHex(receipt.blockHash),
    gasUsed,
    feeWei: gasUsed * asBigint(receipt.effectiveGasPrice) + firstLayerFeeWei,
    logs: asList(receipt.logs).map(asLog),
  };
}

export function asLog(value: unknown): Log {
  const log = asRecord(value);
  return {
    address: asHex(log.address) as Address,
    topics: asList(log.topics).map(asHex),
    data: asHex(log.data),
    logIndex: asCount(log.logIndex),
  };
}

function asHeader(value: unknown): BlockHeader {
  const block = asRecord(value);
  const baseFee = block.baseFeePerGas;
  return {
    number: asCount(block.number),
    hash: asHex(block.hash),
    parentHash: asHex(block.parentHash),
    timestampS: asCount(block.timestamp),
    // Chains from before EIP-1559 have no base fee: their fee is all tip.
    baseFeeWei: baseFee === undefined ? 0n : asBigint(baseFee),
  };
}
