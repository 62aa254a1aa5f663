import { join } from 'node:path';
import { devnetAssetBook, loadAnalyticsConfig } from '@paycrawl/analytics/config';
import { startAnalytics } from '@paycrawl/analytics/service';
import { loadMeteringConfig } from '@paycrawl/metering/config';
import { startMetering } from '@paycrawl/metering/service';
import { watchProgress } from '@paycrawl/service-kit/progress';
import { loadSettlementConfig } from '@paycrawl/settlement/config';
import { startSettlement } from '@paycrawl/settlement/service';
import { loadSigners } from '@paycrawl/settlement/signers';
import { openChdbWarehouse } from '@paycrawl/warehouse/chdb-warehouse';
import type { Parts } from './service-parts.js';

export interface BackOffice {
  /** Origin of the read API and the console. */
  readonly api: string;
}

/** As the default of each of them as a process of its own. */
const stalledAfterMs = 30_000;

/** What follows a decision: books, money and figures. Nobody waits for it. */
export async function startBackOffice(parts: Parts): Promise<BackOffice> {
  const { lifecycle, premises, chain, environment, secretsDirectory } = parts;
  const warehouse = await openChdbWarehouse({ directory: join(premises.dataDir, 'warehouse') });
  lifecycle.onClose('warehouse', () => warehouse.close());
  const analytics = await startAnalytics({
    ...parts.common('analytics'),
    ...{ warehouse, secretsDirectory, chain },
    storeDirectory: parts.storeOf('analytics'),
    assets: devnetAssetBook,
    config: loadAnalyticsConfig(environment),
  });
  lifecycle.onClose('analytics', analytics.close);
  const settlement = await startSettlement({
    ...parts.common('settlement'),
    chain,
    storeDirectory: parts.storeOf('settlement'),
    signers: await loadSigners(secretsDirectory, premises.partitions),
    config: loadSettlementConfig(environment),
  });
  lifecycle.onClose('settlement', settlement.close);
  analytics.health.check('settlement', settlement.assertUntroubled);
  const metering = await startMetering({
    ...parts.common('metering'),
    storeDirectory: parts.storeOf('metering'),
    config: loadMeteringConfig(environment),
  });
  lifecycle.onClose('metering', metering.close);
  for (const [name, { progress }] of Object.entries({ settlement, metering })) {
    watchProgress(analytics.health, name, { stalledAfterMs, progress });
  }
  return { api: analytics.address };
}
