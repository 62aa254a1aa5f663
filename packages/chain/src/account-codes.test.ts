import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasCode } from '@paycrawl/errors/paycrawl-error';
import { type Devnet, startDevnet } from '@paycrawl/testkit/devnet';
import type { Address, Hex } from 'viem';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readHasCode } from './account-codes.js';
import { openChain } from './chain-client.js';
import type { CallAnswer, Rpc } from './rpc.js';

let directory: string;
let devnet: Devnet;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'paycrawl-codes-'));
  devnet = await startDevnet({ directory, blockTimeS: 0 });
});

afterAll(async () => {
  await devnet.stop();
  await rm(directory, { recursive: true });
});

test('behavior: tells of each address whether it has code, more than fit into one question', async () => {
  const chain = openChain({ rpcUrl: devnet.rpcUrl, chainId: devnet.chainId });
  const delegated = devnet.newWallet().address;
  // EIP-7702: an account that delegates has 23 bytes of code.
  await devnet.setCode(delegated, `0xef0100${devnet.usdc.slice(2)}` as Hex);
  const known: Address[] = [devnet.usdc, delegated, devnet.multicall3];
  const plain = Array.from({ length: 2_100 }, (_, index): Address => `0x${nth(index)}`);
  const mixed = plain.flatMap((address, index) =>
    index % 7 === 0 ? [address, known[index % known.length] as Address] : [address],
  );
  const told = await chain.hasCode(mixed, 'latest');
  expect(told).toEqual(mixed.map((address) => known.includes(address)));
  expect(told.filter(Boolean)).toHaveLength(300);
  expect(await chain.hasCode([delegated, delegated.toLowerCase() as Address], 0)).toEqual([
    false,
    false,
  ]);
  expect(await chain.hasCode([], 'latest')).toEqual([]);
});

test.each<CallAnswer>([
  { outcome: 'reverted' },
  { outcome: 'returned', data: '0x' },
  { outcome: 'returned', data: '0x0001' },
  { outcome: 'returned', data: '0x02' },
])('error: chain_unavailable, for the answer %j', async (answer) => {
  const rpc = { call: async () => answer } as unknown as Rpc;
  const error = await readHasCode(rpc, [devnet.usdc], 'latest').catch((reason: unknown) => reason);
  expect(hasCode(error, 'chain_unavailable')).toBe(true);
});

/** Above the precompiled contracts. */
function nth(index: number): string {
  return (index + 4_096).toString(16).padStart(40, 'a');
}
