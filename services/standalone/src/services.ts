import { join } from 'node:path';
import { ensureTokens } from '@paycrawl/analytics/access/tokens';
import { devnetAssetBook, loadAnalyticsConfig } from '@paycrawl/analytics/config';
import { startAnalytics } from '@paycrawl/analytics/service';
import type { Chain } from '@paycrawl/chain/chain';
import type { EventLog } from '@paycrawl/event-log/event-log';
import type { Wakeups } from '@paycrawl/event-log/wakeups';
import { quoteKeysFile, readQuoteKeys } from '@paycrawl/ingress/challenge/quote-keys';
import { loadIngressConfig } from '@paycrawl/ingress/config';
import { startIngress } from '@paycrawl/ingress/service';
import { loadMeteringConfig } from '@paycrawl/metering/config';
import { startMetering } from '@paycrawl/metering/service';
import { type Environment, processEnvironment } from '@paycrawl/service-kit/config';
import type { Lifecycle } from '@paycrawl/service-kit/lifecycle';
import { createLogger, type Logger } from '@paycrawl/service-kit/logger';
import { createMetrics, type Metrics } from '@paycrawl/service-kit/metrics';
import type { Signer } from '@paycrawl/settlement/batches/driver-context';
import { loadSettlementConfig } from '@paycrawl/settlement/config';
import { startSettlement } from '@paycrawl/settlement/service';
import { loadVerifierConfig } from '@paycrawl/verifier/config';
import { startVerifier } from '@paycrawl/verifier/service';
import { openChdbWarehouse } from '@paycrawl/warehouse/chdb-warehouse';
import type { StandaloneConfig } from './config.js';

export interface ServicesOptions {
  readonly config: StandaloneConfig;
  readonly log: EventLog;
  readonly chain: Chain;
  readonly wakeups: Wakeups;
  /** By partition. */
  readonly signers: readonly Signer[];
  readonly publisherId: string;
  readonly logger: Logger;
  readonly lifecycle: Lifecycle;
  onFatal(error: unknown): void;
}

export interface Addresses {
  readonly ingress: string;
  readonly api: string;
  readonly facilitator: string;
  readonly tokens: { readonly operator: string; readonly publisher: string };
}

/**
 * All services in one process, from the end of the log to its beginning: when the ingress lets
 * the first crawler in, everything behind it works. They meet in the log and nowhere else.
 */
export async function startServices(options: ServicesOptions): Promise<Addresses> {
  const { config, lifecycle, publisherId } = options;
  const secretsDirectory = join(config.dataDir, 'secrets');
  const parts: Parts = {
    ...options,
    clock: Date.now,
    secretsDirectory,
    storeOf: (service) => join(config.dataDir, 'stores', service),
    environment: { FACILITATOR_IS_OPEN: 'true', ...processEnvironment() },
    // One process, one registry: `/metrics` of any service shows them all.
    metrics: createMetrics({ service: 'standalone', isProcessMeasured: true }),
    // Not a child: a line would name two services.
    loggerOf: (service) => createLogger({ service, level: options.logger.level }),
  };
  const tokens = await ensureTokens(secretsDirectory, [publisherId]);
  const analytics = await analyticsOf(parts);
  lifecycle.onClose('analytics', analytics.close);
  const settlement = await settlementOf(parts);
  lifecycle.onClose('settlement', settlement.close);
  analytics.health.check('settlement', settlement.assertUntroubled);
  const metering = await meteringOf(parts);
  lifecycle.onClose('metering', metering.close);
  const verifier = await verifierOf(parts);
  lifecycle.onClose('verifier', verifier.close);
  const ingress = await ingressOf(parts);
  lifecycle.onClose('ingress', ingress.close);
  return {
    ingress: ingress.address,
    api: analytics.address,
    facilitator: verifier.address,
    tokens: { operator: tokens.operator, publisher: tokens.publishers[publisherId] ?? '' },
  };
}

interface Parts extends ServicesOptions {
  clock(): number;
  readonly secretsDirectory: string;
  readonly environment: Environment;
  storeOf(service: string): string;
  readonly metrics: Metrics;
  loggerOf(service: string): Logger;
}

async function analyticsOf(parts: Parts) {
  const { config, lifecycle, storeOf } = parts;
  const warehouse = await openChdbWarehouse({ directory: join(config.dataDir, 'warehouse') });
  lifecycle.onClose('warehouse', () => warehouse.close());
  return startAnalytics({
    ...common(parts, 'analytics'),
    warehouse,
    storeDirectory: storeOf('analytics'),
    secretsDirectory: parts.secretsDirectory,
    assets: devnetAssetBook,
    chain: parts.chain,
    config: loadAnalyticsConfig(parts.environment),
  });
}

function settlementOf(parts: Parts) {
  return startSettlement({
    ...common(parts, 'settlement'),
    chain: parts.chain,
    storeDirectory: parts.storeOf('settlement'),
    signers: parts.signers,
    config: loadSettlementConfig(parts.environment),
  });
}

function meteringOf(parts: Parts) {
  return startMetering({
    ...common(parts, 'metering'),
    storeDirectory: parts.storeOf('metering'),
    config: loadMeteringConfig(parts.environment),
  });
}

function verifierOf(parts: Parts) {
  return startVerifier({
    ...common(parts, 'verifier'),
    chain: parts.chain,
    wakeups: parts.wakeups,
    storeDirectory: parts.storeOf('verifier'),
    secretsDirectory: parts.secretsDirectory,
    signers: parts.signers.map(({ address }) => address),
    config: loadVerifierConfig(parts.environment),
  });
}

async function ingressOf(parts: Parts) {
  const { chain, secretsDirectory } = parts;
  return startIngress({
    ...common(parts, 'ingress'),
    wakeups: parts.wakeups,
    chains: new Map([[`eip155:${chain.chainId}`, chain]]),
    quoteKeys: await readQuoteKeys(join(secretsDirectory, quoteKeysFile)),
    config: loadIngressConfig(parts.environment),
  });
}

function common(parts: Parts, service: string) {
  const { log, clock, onFatal } = parts;
  return {
    ...{ log, clock, onFatal },
    logger: parts.loggerOf(service),
    metrics: parts.metrics,
  };
}
