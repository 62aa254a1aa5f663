import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openChain } from '@paycrawl/chain/chain-client';
import { hasCode } from '@paycrawl/errors/paycrawl-error';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Devnet, findDevnet, startDevnet } from './devnet.js';

let directory: string;
let devnet: Devnet;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'paycrawl-devnet-'));
  devnet = await startDevnet({ directory });
});

afterAll(async () => {
  await devnet.stop();
  await rm(directory, { recursive: true });
});

test('behavior: it is found again by its record, with the same chain', async () => {
  const search = await findDevnet(directory);
  expect(search.outcome).toBe('found');
  const again = await startDevnet({ directory });
  expect(again.pid).toBe(devnet.pid);
  expect(again.genesisHash).toBe(devnet.genesisHash);
  const { mode } = await stat(join(directory, 'devnet.json'));
  expect(mode & 0o777).toBe(0o600);
});

test('behavior: blocks come by themselves and money can be given', async () => {
  const chain = openChain({ rpcUrl: devnet.rpcUrl, chainId: devnet.chainId });
  const wallet = devnet.newWallet();
  await Promise.all([
    devnet.mintUsdc(wallet.address, 5_000_000n),
    devnet.fundEth(wallet.address, 10n ** 18n),
  ]);
  expect(await chain.balanceOf(devnet.usdc, wallet.address, 'latest')).toBe(5_000_000n);
  expect(await chain.gasBalanceWei(wallet.address)).toBe(10n ** 18n);
  const others = Array.from({ length: 20 }, () => devnet.newWallet());
  await Promise.all(others.map(({ address }) => devnet.mintUsdc(address, 1n)));
  await devnet.drainUsdc(wallet);
  expect(await chain.balanceOf(devnet.usdc, wallet.address, 'latest')).toBe(0n);
});

test('behavior: thousands get USDC in a moment, twice', async () => {
  const chain = openChain({ rpcUrl: devnet.rpcUrl, chainId: devnet.chainId });
  const many = Array.from({ length: 600 }, () => devnet.newWallet().address);
  await devnet.mintUsdcToMany(many, 7n);
  await devnet.mintUsdcToMany(many.slice(0, 1), 1n);
  const balances = await Promise.all(
    many.map((one) => chain.balanceOf(devnet.usdc, one, 'latest')),
  );
  expect(balances.slice(0, 3)).toEqual([8n, 7n, 7n]);
  expect(balances.filter((balance) => balance === 7n).length).toBe(599);
});

test('error: devnet_lost', async () => {
  const own = await mkdtemp(join(tmpdir(), 'paycrawl-devnet-'));
  const first = await startDevnet({ directory: own });
  process.kill(first.pid, 'SIGKILL');
  await expect.poll(async () => (await findDevnet(own)).outcome).toBe('lost');
  const error = await startDevnet({ directory: own }).catch((reason: unknown) => reason);
  expect(hasCode(error, 'devnet_lost')).toBe(true);
  const second = await startDevnet({ directory: own, fresh: true });
  expect(second.genesisHash).not.toBe(first.genesisHash);
  await second.stop();
  expect(await findDevnet(own)).toEqual({ outcome: 'none' });
  await rm(own, { recursive: true });
});
