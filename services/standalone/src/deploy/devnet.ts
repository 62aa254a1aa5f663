import { join } from 'node:path';
import { type DevnetHandle, openDevnet } from '@paycrawl/testkit/devnet-actions';
import { deployContracts, usdcAddress } from '@paycrawl/testkit/devnet-contracts';
import { type DevnetRpc, openDevnetRpc } from '@paycrawl/testkit/devnet-rpc';
import type { Address, Hex } from 'viem';
import { needsGas, setUpPeople, signerGasWei } from '../devnet-setup.js';
import { readOperatorSecrets } from './secrets.js';

export interface DevnetJob {
  readonly rpcUrl: string;
  readonly chainId: number;
  readonly secretsDirectory: string;
}

const blockTimeS = 1;

/**
 * Contracts, crawlers with test money, and gas for the signers, on a fresh devnet; on one that has
 * them, nothing. Any other chain is left alone: `not_a_devnet`.
 */
export async function setUpDevnetAt(job: DevnetJob): Promise<'set_up' | 'not_a_devnet'> {
  const rpc = openDevnetRpc(job.rpcUrl);
  if (!(await isDevnet(rpc))) return 'not_a_devnet';
  if ((await rpc<Hex>('eth_getCode', [usdcAddress, 'latest'])) === '0x') {
    await deployContracts(rpc, job.chainId);
  }
  const devnet = { ...openDevnet(rpc), rpcUrl: job.rpcUrl, usdc: usdcAddress };
  await devnet.setInterval(blockTimeS);
  const operatorDirectory = join(job.secretsDirectory, 'operator');
  await setUpPeople(devnet, operatorDirectory);
  const { signers } = await readOperatorSecrets(operatorDirectory);
  await Promise.all(signers.map((address) => fundSigner(rpc, devnet, address as Address)));
  return 'set_up';
}

/** Only a development node knows methods that change the chain at will. */
async function isDevnet(rpc: DevnetRpc): Promise<boolean> {
  const version = await rpc<string>('web3_clientVersion');
  return version.toLowerCase().startsWith('anvil/');
}

async function fundSigner(rpc: DevnetRpc, devnet: DevnetHandle, address: Address): Promise<void> {
  const balance = await rpc<Hex>('eth_getBalance', [address, 'latest']);
  if (needsGas(BigInt(balance))) await devnet.setEth(address, signerGasWei);
}
