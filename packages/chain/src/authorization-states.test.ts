import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasCode } from '@paycrawl/errors/paycrawl-error';
import { type Devnet, startDevnet } from '@paycrawl/testkit/devnet';
import type { Hex } from 'viem';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readAuthorizationStates } from './authorization-states.js';
import { openChain } from './chain-client.js';
import type { CallAnswer, Rpc } from './rpc.js';

let directory: string;
let devnet: Devnet;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'paycrawl-states-'));
  devnet = await startDevnet({ directory, blockTimeS: 0 });
});

afterAll(async () => {
  await devnet.stop();
  await rm(directory, { recursive: true });
});

/** Runtime code: answers `nonce & 3` to whatever has its nonce as the second argument. */
const lastBits = '0x60243560031660005260206000f3';
/** The same for the authorizer, so that neither stands in the place of the other. */
const bitsOfAddress = '0x60043560031660005260206000f3';
const nonce = (index: number): Hex => `0x${index.toString(16).padStart(64, '7')}`;
const address = (index: number): Hex => `0x${index.toString(16).padStart(40, '9')}`;

test('behavior: each pair of more than fit into one question has its own answer, in order', async () => {
  const chain = openChain({ rpcUrl: devnet.rpcUrl, chainId: devnet.chainId });
  const asset = devnet.newWallet().address;
  const numbers = Array.from({ length: 1_850 }, (_, index) => (index * 7) % 1_000);
  const authorizations = numbers.map((n) => ({ authorizer: address(n), nonce: nonce(n * 3 + 1) }));
  const request = { asset, authorizations, blockNumber: 0 };
  await devnet.setCode(asset, lastBits);
  await devnet.mine(1);
  const { number: blockNumber } = await chain.head();
  expect(await chain.authorizationStates({ ...request, blockNumber })).toEqual(
    numbers.map((n) => ((n * 3 + 1) & 3) !== 0),
  );
  await devnet.setCode(asset, bitsOfAddress);
  await devnet.mine(1);
  expect(await chain.authorizationStates({ ...request, blockNumber: blockNumber + 1 })).toEqual(
    numbers.map((n) => (n & 3) !== 0),
  );
  expect(await chain.authorizationStates({ ...request, authorizations: [] })).toEqual([]);
});

test.each<[string, Hex]>([
  ['no code', '0x'],
  ['a revert', '0x60006000fd'],
  ['a revert with a word', '0x60206000fd'],
  ['an answer that is too short', '0x601f6000f3'],
])('error: chain_asset_invalid, for an asset that has %s', async (_, code) => {
  const chain = openChain({ rpcUrl: devnet.rpcUrl, chainId: devnet.chainId });
  const asset = devnet.newWallet().address;
  await devnet.setCode(asset, code);
  await devnet.mine(1);
  const { number: blockNumber } = await chain.head();
  const authorizations = [{ authorizer: address(1), nonce: nonce(1) }];
  const error = await chain
    .authorizationStates({ asset, authorizations, blockNumber })
    .catch((reason: unknown) => reason);
  expect(hasCode(error, 'chain_asset_invalid')).toBe(true);
});

test.each<CallAnswer>([
  { outcome: 'reverted' },
  { outcome: 'returned', data: '0x' },
  { outcome: 'returned', data: '0x0001' },
  { outcome: 'returned', data: '0x03' },
])('error: chain_unavailable, for the answer %j', async (answer) => {
  const rpc = { call: async () => answer } as unknown as Rpc;
  const authorizations = [{ authorizer: address(1), nonce: nonce(1) }];
  const request = { asset: devnet.usdc, authorizations, blockNumber: 0 };
  const error = await readAuthorizationStates(rpc, request).catch((reason: unknown) => reason);
  expect(hasCode(error, 'chain_unavailable')).toBe(true);
});
