import { join } from 'node:path';
import { readOrCreateSecret } from '@paycrawl/service-kit/secrets';
import { type Devnet, startDevnet } from '@paycrawl/testkit/devnet';
import { newWallet, type Wallet } from '@paycrawl/testkit/devnet-actions';
import { usdcBalance } from './usdc-balance.js';

/** The people of the devnet: crawlers with test USDC, and a publisher who starts with nothing. */
export interface DevnetPeople {
  readonly crawlers: readonly Wallet[];
  readonly publisher: Wallet;
}

const crawlerWallets = 6;
/** Above the depth at which verifier and settlement read. */
const blocksToFinality = 8;
/** 100 USDC each: a hundred thousand pages at a tenth of a cent. */
const fundsAtomic = 100_000_000n;
/** A settled crawl takes some 50,000 gas at 1 gwei: this is enough for 20 million of a signer. */
export const signerGasWei = 10n ** 21n;

/** A signer of the devnet is filled up again well before it cannot pay for a batch. */
export function needsGas(balanceWei: bigint): boolean {
  return balanceWei < signerGasWei / 2n;
}

export interface DevnetSetupOptions {
  readonly dataDir: string;
  readonly port: number;
  readonly fresh: boolean;
  readonly blockTimeS?: number;
}

/** Starts the devnet or finds it again, with its people. */
export async function setUpDevnet(
  options: DevnetSetupOptions,
): Promise<{ devnet: Devnet; people: DevnetPeople }> {
  const { dataDir, ...how } = options;
  const devnet = await startDevnet({ directory: join(dataDir, 'devnet'), ...how });
  return { devnet, people: await setUpPeople(devnet, join(dataDir, 'secrets')) };
}

/** Makes and funds the people of a devnet, once. */
export async function setUpPeople(
  devnet: Pick<Devnet, 'rpcUrl' | 'usdc' | 'mintUsdc' | 'mine'>,
  secretsDirectory: string,
): Promise<DevnetPeople> {
  const people = await readPeople(secretsDirectory);
  const minted = await Promise.all(people.crawlers.map(({ address }) => mintOnce(devnet, address)));
  // A balance counts once it stands below the finality depth.
  if (minted.includes(true)) await devnet.mine(blocksToFinality);
  return people;
}

/** Minted once: a wallet that spent something is not filled up behind its owner's back. */
async function mintOnce(
  devnet: Pick<Devnet, 'rpcUrl' | 'usdc' | 'mintUsdc'>,
  address: Wallet['address'],
): Promise<boolean> {
  const balance = await usdcBalance({ rpc: devnet.rpcUrl, asset: devnet.usdc }, address);
  if (balance > 0n) return false;
  await devnet.mintUsdc(address, fundsAtomic);
  return true;
}

export async function readPeople(secretsDir: string): Promise<DevnetPeople> {
  const text = await readOrCreateSecret(join(secretsDir, 'wallets.json'), () =>
    JSON.stringify({
      crawlers: Array.from({ length: crawlerWallets }, () => newWallet()),
      publisher: newWallet(),
    } satisfies DevnetPeople),
  );
  return JSON.parse(text) as DevnetPeople;
}
