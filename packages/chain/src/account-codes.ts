import { fail } from '@paycrawl/errors/paycrawl-error';
import type { Address, Hex } from 'viem';
import type { BlockTag } from './chain.js';
import { unreadable } from './read-answer.js';
import type { Rpc } from './rpc.js';

/** 20 kB of addresses: below the 48 kB that EIP-3860 allows to code that runs once. */
const addressesPerCallMax = 1_000;

/**
 * Creation code that answers one byte for each address behind it, 1 where there is code; a call
 * without a target runs it and creates nothing. One question instead of one per address, which
 * nodes answer with all of their code.
 */
const askCodes = [
  '60006045', // i = 0; p = where this code ends (patched below)
  '5b803811156028576014', // loop: while p < CODESIZE
  '81600c39600051', // CODECOPY(12, p, 20); the address as a word
  '3b151582602001536014', // MSTORE8(32 + i, EXTCODESIZE(address) != 0)
  '019060010190600456', // p += 20; i += 1
  '5b506020f3', // RETURN(32, i)
].join('');
const codeBytes = askCodes.length / 2;
const prefix: Hex = `0x${askCodes.replace(/^60006045/, `600060${codeBytes.toString(16)}`)}`;

/** Whether each address has code: contracts, and accounts that delegate to one (EIP-7702). */
export async function readHasCode(
  rpc: Rpc,
  addresses: readonly Address[],
  block: BlockTag,
): Promise<readonly boolean[]> {
  const distinct = [...new Set(addresses.map((address) => address.toLowerCase()))];
  const chunks: Promise<readonly (readonly [string, boolean])[]>[] = [];
  for (let start = 0; start < distinct.length; start += addressesPerCallMax) {
    chunks.push(readChunk(rpc, distinct.slice(start, start + addressesPerCallMax), block));
  }
  const known = new Map((await Promise.all(chunks)).flat());
  return addresses.map((address) => known.get(address.toLowerCase()) === true);
}

async function readChunk(
  rpc: Rpc,
  addresses: readonly string[],
  block: BlockTag,
): Promise<readonly (readonly [string, boolean])[]> {
  const list = addresses.map((address) => address.slice(2)).join('');
  const answer = await rpc.call({ data: `${prefix}${list}`, block });
  if (answer.outcome === 'reverted') {
    throw fail('chain_unavailable', 'The chain node does not tell which accounts have code.');
  }
  const flags = answer.data.slice(2);
  // Another length, or a byte that is neither yes nor no, is no answer.
  if (flags.length !== addresses.length * 2 || !/^(0[01])*$/.test(flags)) {
    throw unreadable(answer.data);
  }
  return addresses.map((address, index) => [address, flags[index * 2 + 1] === '1'] as const);
}
