import type { EventLog } from '@paycrawl/event-log/event-log';
import type { FoldStep } from '@paycrawl/fold/steps';
import type { Asset } from '@paycrawl/money/money';
import { measureChain } from '@paycrawl/service-kit/chain-calls';
import { createFoldInstruments } from '@paycrawl/service-kit/fold-instruments';
import { createHealth, type Health } from '@paycrawl/service-kit/health';
import { listen } from '@paycrawl/service-kit/http';
import { createLifecycle, type Lifecycle } from '@paycrawl/service-kit/lifecycle';
import type { Logger } from '@paycrawl/service-kit/logger';
import type { Metrics } from '@paycrawl/service-kit/metrics';
import { watchProgress } from '@paycrawl/service-kit/progress';
import type { Telemetry } from '@paycrawl/service-kit/telemetry';
import { migrate } from '@paycrawl/warehouse/migrate';
import type { Warehouse } from '@paycrawl/warehouse/warehouse';
import { loadTokens } from './access/tokens.js';
import { type AnalyticsConfig, consoleDirectoryDefault } from './config.js';
import { createLiveHub, type LiveHub } from './live/live-hub.js';
import { readLive } from './live/read-live.js';
import { type Projection, startProjection } from './projection/projection.js';
import { type AssetBook, createAssetBook } from './read/asset-book.js';
import type { SettlementChain } from './reconcile/chain-transfers.js';
import { type Reconciler, startReconciler } from './reconcile/reconciler.js';
import { followRegistry } from './registry/registry-view.js';
import { applyRetention } from './retention.js';
import { createApp } from './routes/app.js';
import type { ApiContext } from './routes/context.js';

export interface AnalyticsOptions {
  readonly log: EventLog;
  /** Belongs to the caller, who closes it after this service. */
  readonly warehouse: Warehouse;
  /** State of the projection, one store per topic and partition. */
  readonly storeDirectory: string;
  /** Holds `tokens.json`. */
  readonly secretsDirectory: string;
  /** Without it reconciliation tells "unknown" for the side of the chain. */
  readonly chain?: SettlementChain;
  readonly assets: readonly Asset[];
  readonly consoleDirectory?: string;
  /** Other instances may own partitions of the same log. */
  readonly mayHavePeers?: boolean;
  /** Where the warehouse's engine works; in this process by default. */
  readonly engine?: 'in_process' | 'server';
  readonly config: AnalyticsConfig;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Undefined: nothing is traced. */
  readonly telemetry?: Telemetry | undefined;
  /** Of the process, where others check something too. */
  readonly health?: Health;
  clock(): number;
  /** The projection cannot go on: the process must end. */
  onFatal(error: unknown): void;
  /** Told after each named step; only tests listen. */
  onStep?: ((step: FoldStep) => void) | undefined;
}

export interface Analytics {
  /** Origin of the API and the console. */
  readonly address: string;
  /** Checks of other parts may be added; `/readyz` and `/livez` are served here. */
  readonly health: Health;
  close(): Promise<void>;
}

/** How much of the time the engine may work for the projection: beside everybody else, or alone. */
const engineShareMax = { in_process: 0.2, server: 0.5 };
const closeDeadlineMs = 15_000;
/** Of who watches live figures, where every row is written by this process; else below. */
const heartbeatMs = 15_000;
/** Another instance may write what is watched here, and does not tell. */
const heartbeatMsBesideOthers = 1_000;

export async function startAnalytics(options: AnalyticsOptions): Promise<Analytics> {
  const lifecycle = createLifecycle({ logger: options.logger, deadlineMs: closeDeadlineMs });
  try {
    return await start(options, lifecycle);
  } catch (error) {
    await lifecycle.close('did not start');
    throw error;
  }
}

async function start(options: AnalyticsOptions, lifecycle: Lifecycle): Promise<Analytics> {
  const { log, warehouse, config, logger, metrics, clock } = options;
  const health = options.health ?? createHealth();
  const assets = createAssetBook(options.assets);
  const tokens = loadTokens(options.secretsDirectory);
  await migrate(warehouse);
  await applyRetention(warehouse, config.unpaidRetentionDays);
  health.check('warehouse', async () => void (await warehouse.query('SELECT 1')));
  const registry = await followRegistry(log, (error) => options.onFatal(error));
  lifecycle.onClose('registry', () => registry.close());
  const live = startLive(options, assets);
  lifecycle.onClose('live', () => live.close());
  const projection = await project(options, live);
  lifecycle.onClose('projection', () => projection.close());
  const { stalledAfterMs } = config;
  watchProgress(health, 'projection', { stalledAfterMs, progress: projection.progress });
  const reconciler = reconcile(options, projection);
  lifecycle.onClose('reconciler', () => reconciler.close());
  const consoleDirectory = options.consoleDirectory ?? consoleDirectoryDefault;
  const context: ApiContext = {
    ...{ warehouse, log, assets, registry, tokens, reconciler, live, consoleDirectory, clock },
  };
  const app = await createApp({ context, logger, metrics, health });
  lifecycle.onClose('http', () => app.close());
  const address = await listen(app, config.http);
  health.markReady();
  lifecycle.onClose('readiness', health.markStopping);
  return {
    address,
    health,
    close: async () => void (await lifecycle.close('closed by its owner')),
  };
}

function startLive(options: AnalyticsOptions, assets: AssetBook) {
  const { warehouse, config, logger, clock } = options;
  return createLiveHub({
    read: (publisher) => readLive({ warehouse, assets }, publisher, clock()),
    intervalMs: config.liveIntervalMs,
    heartbeatMs: options.mayHavePeers === true ? heartbeatMsBesideOthers : heartbeatMs,
    onError: (error) => logger.warn({ err: error }, 'live figures could not be read'),
  });
}

function project(options: AnalyticsOptions, live: LiveHub): Promise<Projection> {
  const { log, warehouse, storeDirectory, config, logger, metrics, clock, telemetry } = options;
  const visible = metrics.histogram({
    name: 'paycrawl_analytics_visible_seconds',
    help: 'From the append time of the oldest event of a block until it can be read',
  });
  return startProjection({
    ...{ log, warehouse, storeDirectory, logger, clock, telemetry, onStep: options.onStep },
    instruments: createFoldInstruments({ fold: 'analytics', metrics, telemetry, clock }),
    flushIntervalMs: config.flushIntervalMs,
    checkpointIntervalMs: config.checkpointIntervalMs,
    blockOutputsMax: config.blockOutputsMax,
    engineShareMax: engineShareMax[options.engine ?? 'in_process'],
    onFlushed: (publishers, oldestMs) => {
      visible.observe(Math.max(0, clock() - oldestMs) / 1000);
      live.changed(publishers);
    },
    onFatal: (error) => {
      logger.fatal({ err: error }, 'analytics stopped');
      options.onFatal(error);
    },
  });
}

function reconcile(options: AnalyticsOptions, projection: Projection): Reconciler {
  const { warehouse, config, logger, metrics, clock } = options;
  const chain = options.chain && measureChain(metrics, options.chain);
  const reconciler = startReconciler({
    ...{ warehouse, chain, clock },
    intervalMs: config.reconcileIntervalMs,
    patienceMs: config.reconcilePatienceMs,
    lag: async () =>
      (await projection.progress()).reduce(
        (sum, one) => sum + one.logNextOffset - one.storedOffset,
        0,
      ),
    onError: (error) => logger.warn({ err: error }, 'reconciliation could not be completed'),
  });
  measureReconciliation(metrics, reconciler, clock);
  return reconciler;
}

function measureReconciliation(
  metrics: Metrics,
  reconciler: Reconciler,
  clock: () => number,
): void {
  metrics.gauge({
    name: 'paycrawl_reconciliation_differences',
    help: 'Equations of log, ledger, ClickHouse and chain that do not hold; must be 0',
    labels: ['equation'],
    collect: (gauge) => {
      gauge.reset();
      for (const { name, outcome } of reconciler.last()?.checks ?? []) {
        gauge.inc({ equation: name }, outcome === 'differs' ? 1 : 0);
      }
    },
  });
  metrics.gauge({
    name: 'paycrawl_reconciliation_age_seconds',
    help: 'Since the books were compared; absent before the first time',
    collect: (gauge) => {
      gauge.remove();
      const { at } = reconciler.last() ?? {};
      if (at !== undefined) gauge.set((clock() - Date.parse(at)) / 1000);
    },
  });
}
