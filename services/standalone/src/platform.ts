import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureTokens } from '@paycrawl/analytics/access/tokens';
import type { Chain } from '@paycrawl/chain/chain';
import type { EventLog } from '@paycrawl/event-log/event-log';
import { topicConfigs } from '@paycrawl/events/topics';
import { defaultPriceBook } from '@paycrawl/pricing/price-book';
import { openDataDir } from '@paycrawl/service-kit/data-dir';
import type { Lifecycle } from '@paycrawl/service-kit/lifecycle';
import type { Logger } from '@paycrawl/service-kit/logger';
import { loadSigners } from '@paycrawl/settlement/signers';
import type { Devnet } from '@paycrawl/testkit/devnet';
import { startBackOfficeThread } from './back-office-thread.js';
import type { StandaloneConfig } from './config.js';
import { type DevnetPeople, setUpDevnet } from './devnet-setup.js';
import { startEdge } from './edge.js';
import { setUpPublisher } from './publisher-setup.js';
import { type RunFile, removeRunFile } from './run-file.js';
import { openParts, type Premises } from './service-parts.js';
import { startSite } from './site-server.js';

export interface PlatformOptions {
  readonly config: StandaloneConfig;
  readonly fresh: boolean;
  readonly logger: Logger;
  readonly lifecycle: Lifecycle;
  onFatal(error: unknown): void;
}

const publisherId = 'demo';
const pagePrice = 'USD 0.001';
/** Challenges and dead letters of a month; payers' topics are kept for ever. */
const retentionMs = 30 * 24 * 3600 * 1000;
const gasWei = 10n ** 18n;

const siteDirectory = fileURLToPath(new URL('../site', import.meta.url));

/** Starts everything on embedded parts; each resource registers its close on the next line. */
export async function startPlatform(options: PlatformOptions): Promise<RunFile> {
  const { config, lifecycle, logger, fresh } = options;
  const directory = openDataDir(config.dataDir);
  lifecycle.onClose('data folder', directory.release);
  // Left by a start that was killed: nobody is to find it before this one is ready.
  await removeRunFile(config.runFile);
  // The devnet outlives the platform: what it knows of the chain must stay with the chain.
  const { devnet, people } = await setUpDevnet({
    dataDir: config.dataDir,
    port: config.devnetPort,
    fresh,
  });
  if (fresh) await removeState(config.dataDir);
  const premises: Premises = {
    dataDir: config.dataDir,
    partitions: config.partitions,
    rpcUrl: devnet.rpcUrl,
    chainId: devnet.chainId,
    logLevel: logger.level,
    crashAt: config.crashAt,
  };
  const parts = openParts(premises, lifecycle, options.onFatal);
  const counts = { payer: config.partitions, publisher: config.partitions };
  await parts.log.createTopics(topicConfigs(counts, retentionMs));
  const site = await startSite({ directory: siteDirectory });
  lifecycle.onClose('site', site.close);
  await registerDemoPublisher(parts.log, devnet, people, site.origin);
  const tokens = await ensureTokens(parts.secretsDirectory, [publisherId]);
  const signers = await fundedSigners(config, devnet, parts.chain);
  const backOffice = await startBackOfficeThread(premises, options.onFatal);
  lifecycle.onClose('back office', backOffice.close);
  const { api } = backOffice;
  const { ingress, facilitator } = await startEdge(parts, signers);
  logger.info({ ingress, api, facilitator }, 'ready');
  return {
    pid: process.pid,
    ingress,
    api,
    console: api,
    facilitator,
    chain: {
      rpc: devnet.rpcUrl,
      network: `eip155:${devnet.chainId}`,
      asset: devnet.usdc,
      name: 'USDC',
      version: '2',
    },
    publisher: {
      id: publisherId,
      payTo: people.publisher.address,
      token: tokens.publishers[publisherId] ?? '',
    },
    operator: { token: tokens.operator },
    wallets: people.crawlers,
  };
}

async function removeState(dataDir: string): Promise<void> {
  const folders = ['log', 'stores', 'warehouse'];
  await Promise.all(
    folders.map((name) => rm(join(dataDir, name), { recursive: true, force: true })),
  );
}

async function registerDemoPublisher(
  log: EventLog,
  devnet: Devnet,
  people: DevnetPeople,
  origin: string,
): Promise<void> {
  const publisher = {
    publisherId,
    name: 'Demo publisher',
    hosts: ['127.0.0.1', 'localhost'],
    origin,
    network: `eip155:${devnet.chainId}`,
    asset: devnet.usdc.toLowerCase(),
    payTo: people.publisher.address.toLowerCase(),
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

/** Signers are made at the first start; on the devnet the platform pays their gas itself. */
async function fundedSigners(config: StandaloneConfig, devnet: Devnet, chain: Chain) {
  const signers = await loadSigners(join(config.dataDir, 'secrets'), config.partitions);
  for (const { address } of signers) {
    if ((await chain.gasBalanceWei(address)) === 0n) await devnet.setEth(address, gasWei);
  }
  return signers.map(({ address }) => address);
}
