import { join } from 'node:path';
import { devnetAssetBook, loadAnalyticsConfig } from '@paycrawl/analytics/config';
import { startAnalytics } from '@paycrawl/analytics/service';
import { createLocalWakeups } from '@paycrawl/event-log/wakeups';
import { quoteKeysFile, readQuoteKeys } from '@paycrawl/ingress/challenge/quote-keys';
import { loadIngressConfig } from '@paycrawl/ingress/config';
import { startIngress } from '@paycrawl/ingress/service';
import { loadMeteringConfig } from '@paycrawl/metering/config';
import { startMetering } from '@paycrawl/metering/service';
import { createLifecycle } from '@paycrawl/service-kit/lifecycle';
import { createLogger } from '@paycrawl/service-kit/logger';
import { loadSettlementConfig } from '@paycrawl/settlement/config';
import { startSettlement } from '@paycrawl/settlement/service';
import { loadSigners } from '@paycrawl/settlement/signers';
import { openParts, type Parts, type Premises } from '@paycrawl/standalone/service-parts';
import { loadVerifierConfig } from '@paycrawl/verifier/config';
import { startVerifier } from '@paycrawl/verifier/service';
import { openChdbWarehouse } from '@paycrawl/warehouse/chdb-warehouse';
import { acceptingEverything } from './accepting-log.js';

// One service of the platform and nothing beside it, made of the same parts as there, in a process
// whose processor time is then its own. Says when it is ready, and its metrics when it is asked.

export interface AloneOrder {
  readonly service: AloneService;
  readonly premises: Premises;
}

export type AloneService = 'ingress' | 'verifier' | 'metering' | 'settlement' | 'analytics';

const { service, premises } = JSON.parse(process.argv[2] ?? '') as AloneOrder;
const logger = createLogger({ service: 'bench', level: premises.logLevel });
const lifecycle = createLifecycle({ logger, deadlineMs: 20_000 });
const parts = await openParts(premises, lifecycle, (error) => {
  throw error;
});
const address = await start(parts);
process.on('message', async () => process.send?.(await parts.metrics.render()));
process.once('disconnect', async () => {
  await lifecycle.close('the bench is done');
  process.exit();
});
process.send?.({ address });

/** The address, where it has one. */
async function start({ secretsDirectory, ...of }: Parts): Promise<string> {
  const { environment, chain } = of;
  const common = { ...of.common(service), storeDirectory: of.storeOf(service) };
  const signers = await loadSigners(secretsDirectory, premises.partitions);
  const closing = async <One extends { close(): Promise<void> }>(begun: Promise<One>) => {
    const one = await begun;
    lifecycle.onClose(service, () => one.close());
    return one;
  };
  if (service === 'metering') {
    await closing(startMetering({ ...common, config: loadMeteringConfig(environment) }));
    return '';
  }
  if (service === 'settlement') {
    const config = loadSettlementConfig(environment);
    await closing(startSettlement({ ...common, chain, signers, config }));
    return '';
  }
  if (service === 'analytics') return startCharts(parts, common);
  const wakeups = createLocalWakeups();
  if (service === 'verifier') {
    const config = loadVerifierConfig(environment);
    const asked = { ...common, chain, wakeups, secretsDirectory, config };
    return (await closing(startVerifier(asked))).address;
  }
  const ingress = startIngress({
    ...common,
    ...{ log: acceptingEverything(common.log, wakeups), wakeups },
    chains: new Map([[`eip155:${chain.chainId}`, chain]]),
    quoteKeys: await readQuoteKeys(join(secretsDirectory, quoteKeysFile)),
    config: loadIngressConfig(environment),
  });
  return (await closing(ingress)).address;
}

async function startCharts(
  { secretsDirectory, chain, environment }: Parts,
  common: ReturnType<Parts['common']> & { readonly storeDirectory: string },
): Promise<string> {
  const warehouse = await openChdbWarehouse({ directory: join(premises.dataDir, 'warehouse') });
  lifecycle.onClose('warehouse', () => warehouse.close());
  const analytics = await startAnalytics({
    ...{ ...common, warehouse, secretsDirectory, chain, assets: devnetAssetBook },
    config: loadAnalyticsConfig(environment),
  });
  lifecycle.onClose('analytics', analytics.close);
  return analytics.address;
}
