import { join } from 'node:path';
import { openLmdbLog } from '@paycrawl/event-log/lmdb-log';
import { defaultPriceBook } from '@paycrawl/pricing/price-book';
import { newWallet, type Wallet } from '@paycrawl/testkit/devnet-actions';
import { setUpPublisher } from '../publisher-setup.js';
import type { PlatformProcess } from './platform-process.js';

/** A second publisher at the same ingress, told apart by its host. */
export interface SecondPublisher {
  readonly host: string;
  readonly wallet: Wallet;
}

/** Registers a publisher in the log, from beside the platform. */
export async function registerPublisher(
  { dataDir, run }: PlatformProcess,
  origin: string,
  price = 'USD 0.001',
): Promise<SecondPublisher> {
  const host = 'second.example';
  const wallet = newWallet();
  const log = openLmdbLog({ directory: join(dataDir, 'log') });
  try {
    const publisher = {
      ...{ publisherId: 'second', name: 'Second publisher', hosts: [host], origin },
      network: run.chain.network,
      asset: run.chain.asset.toLowerCase(),
      payTo: wallet.address.toLowerCase(),
    };
    await setUpPublisher(log, publisher, defaultPriceBook(price), Date.now());
  } finally {
    await log.close();
  }
  return { host, wallet };
}
