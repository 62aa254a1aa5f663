import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureTokens } from '@paycrawl/analytics/access/tokens';
import type { Chain } from '@paycrawl/chain/chain';
import { watchGeneration } from '@paycrawl/event-log/generation';
import { topicConfigs } from '@paycrawl/events/topics';
import { openDataDir } from '@paycrawl/service-kit/data-dir';
import type { Lifecycle } from '@paycrawl/service-kit/lifecycle';
import type { Logger } from '@paycrawl/service-kit/logger';
import { loadSigners } from '@paycrawl/settlement/signers';
import type { Devnet } from '@paycrawl/testkit/devnet';
import { startBackOfficeThread } from './back-office-thread.js';
import type { StandaloneConfig } from './config.js';
import { demoPublisherId, registerDemoPublisher } from './demo-publisher.js';
import { needsGas, setUpDevnet, signerGasWei } from './devnet-setup.js';
import { startEdge } from './edge.js';
import { type RunFile, removeRunFile } from './run-file.js';
import { openParts, type Premises } from './service-parts.js';
import { siteDirectory, startSite } from './site-server.js';

export interface PlatformOptions {
  readonly config: StandaloneConfig;
  readonly fresh: boolean;
  readonly logger: Logger;
  readonly lifecycle: Lifecycle;
  onFatal(error: unknown): void;
}

/** Challenges and dead letters of a month; payers' topics are kept for ever. */
const retentionMs = 30 * 24 * 3600 * 1000;

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
    blockTimeS: config.devnetBlockTimeS,
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
  const parts = await openParts(premises, lifecycle, options.onFatal);
  const counts = parts.generation.counts ?? {
    ...{ payer: config.partitions, publisher: config.partitions },
  };
  await parts.log.createTopics(topicConfigs(counts, retentionMs));
  const superseded = await watchGeneration(parts.log, parts.generation, options.onFatal);
  lifecycle.onClose('generation', () => superseded.close());
  const site = await startSite({ directory: siteDirectory });
  lifecycle.onClose('site', site.close);
  await registerDemoPublisher(parts.log, {
    ...{ origin: site.origin, hosts: ['127.0.0.1', 'localhost'] },
    ...{ chainId: devnet.chainId, usdc: devnet.usdc, payTo: people.publisher.address },
  });
  const tokens = await ensureTokens(parts.secretsDirectory, [demoPublisherId]);
  const signers = await fundedSigners({ ...config, partitions: counts.payer }, devnet, parts.chain);
  const backOffice = await startBackOfficeThread(
    { ...premises, partitions: counts.payer },
    options.onFatal,
  );
  lifecycle.onClose('back office', backOffice.close);
  const { api } = backOffice;
  const { ingress, facilitator } = await startEdge(parts, {
    ...{ signers, logger, recoveryThreads: config.recoveryThreads },
  });
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
      id: demoPublisherId,
      payTo: people.publisher.address,
      token: tokens.publishers[demoPublisherId] ?? '',
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

/** Signers are made at the first start; on the devnet the platform pays their gas itself. */
async function fundedSigners(config: StandaloneConfig, devnet: Devnet, chain: Chain) {
  const signers = await loadSigners(join(config.dataDir, 'secrets'), config.partitions);
  for (const { address } of signers) {
    const balanceWei = await chain.gasBalanceWei(address);
    if (needsGas(balanceWei)) await devnet.setEth(address, signerGasWei);
  }
  return signers.map(({ address }) => address);
}
