import type { EventLog } from '@paycrawl/event-log/event-log';
import { defaultPriceBook } from '@paycrawl/pricing/price-book';
import { newWallet, type Wallet } from '@paycrawl/testkit/devnet-actions';
import { setUpPublisher } from '../publisher-setup.js';
import type { RunFile } from '../run-file.js';

/** A second publisher at the same ingress, told apart by its host. */
export interface SecondPublisher {
  readonly id: string;
  readonly host: string;
  readonly wallet: Wallet;
}

/** Registers a publisher in the log, from beside the platform. */
export async function registerPublisher(
  log: EventLog,
  { chain }: RunFile,
  origin: string,
  id = 'second',
): Promise<SecondPublisher> {
  const second = { id, host: `${id}.example`, wallet: newWallet() };
  const publisher = {
    ...{ publisherId: second.id, name: 'Second publisher', hosts: [second.host], origin },
    network: chain.network,
    asset: chain.asset.toLowerCase(),
    payTo: second.wallet.address.toLowerCase(),
  };
  await setUpPublisher(log, publisher, defaultPriceBook('USD 0.001'), Date.now());
  return second;
}
