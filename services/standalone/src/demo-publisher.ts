import type { EventLog } from '@paycrawl/event-log/event-log';
import { defaultPriceBook } from '@paycrawl/pricing/price-book';
import { setUpPublisher } from './publisher-setup.js';

export const demoPublisherId = 'demo';
const pagePrice = 'USD 0.001';

export interface DemoPublisher {
  /** Where its pages are. */
  readonly origin: string;
  /** Names by which crawlers reach it, through the ingress. */
  readonly hosts: readonly string[];
  readonly chainId: number;
  readonly usdc: string;
  readonly payTo: string;
}

/** Registers the publisher of the demo site, the first time with its price book. */
export async function registerDemoPublisher(log: EventLog, demo: DemoPublisher): Promise<void> {
  const publisher = {
    publisherId: demoPublisherId,
    name: 'Demo publisher',
    hosts: [...demo.hosts],
    origin: demo.origin,
    network: `eip155:${demo.chainId}`,
    asset: demo.usdc.toLowerCase(),
    payTo: demo.payTo.toLowerCase(),
  };
  await setUpPublisher(log, publisher, demoPriceBook(), Date.now());
}

/** AI agents pay for every page but the index, the free pages and the signposts. */
function demoPriceBook() {
  const book = defaultPriceBook(pagePrice);
  const free = ['/', '/index.html', '/free/**', '/style.css', '/latest', '/home'].map(
    (path, i) => ({
      id: `free-${i + 1}`,
      path,
      crawlers: 'everyone' as const,
      free: true as const,
    }),
  );
  return { ...book, rules: [...free, ...book.rules] };
}
