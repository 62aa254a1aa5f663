import type { Caused, ReadView } from '@paycrawl/fold/fold';
import type { OwnedPartition } from '@paycrawl/fold/runtime';
import {
  createFoldInstruments,
  type FoldInstruments,
} from '@paycrawl/service-kit/fold-instruments';
import type { Gauge, Metrics } from '@paycrawl/service-kit/metrics';
import type { Telemetry } from '@paycrawl/service-kit/telemetry';
import {
  batchOf,
  chargeOf,
  deadlineMs,
  heldPrefix,
  type Lane,
  laneKey,
  marginMs,
  type Out,
  type Pool,
  poolKey,
  queuePrefix,
} from './batches/state.js';

export interface SettlementInstruments extends Pick<FoldInstruments, 'restarted' | 'watch'> {
  /** `onFolded` of the runtime. */
  folded(outputs: readonly Caused<Out>[]): void;
  /** The state of this partition is told of until the returned function is called. */
  own(owned: OwnedPartition): () => void;
}

export interface SettlementInstrumentsOptions {
  readonly metrics: Metrics;
  readonly telemetry?: Telemetry | undefined;
  clock(): number;
}

export function createSettlementInstruments(
  options: SettlementInstrumentsOptions,
): SettlementInstruments {
  const { metrics, clock } = options;
  const fold = createFoldInstruments({ fold: 'settlement', ...options });
  const count = countOutputs(metrics);
  const owned = new Set<OwnedPartition>();
  gaugePartitions(metrics, owned, clock);
  return {
    folded: (outputs) => {
      for (const { output } of outputs) count(output);
      fold.folded(outputs);
    },
    own: (partition) => {
      owned.add(partition);
      return () => void owned.delete(partition);
    },
    restarted: fold.restarted,
    watch: fold.watch,
  };
}

/** Folded again, they are counted again: rates and ratios, never the books. */
function countOutputs(metrics: Metrics): (output: Out) => void {
  const charges = metrics.tally({
    name: 'paycrawl_settlement_charges_total',
    help: 'Charges by what became of them: in_flight, settled, returned, uncollectible, parked',
    labels: ['outcome'],
  });
  const batches = metrics.tally({
    name: 'paycrawl_settlement_batches_total',
    help: 'Batches by what became of them: sealed (and why), submitted, confirmed, lost',
    labels: ['state', 'reason'],
    labelsOf: (key) => {
      const [state = '', reason = ''] = key.split('/');
      return { state, reason };
    },
  });
  const gas = metrics.tally({
    name: 'paycrawl_settlement_gas_used_total',
    help: 'Gas of confirmed batches',
  });
  const authorizations = metrics.tally({
    name: 'paycrawl_settlement_gas_authorizations_total',
    help: 'Authorizations that this gas was for: the quotient is the gas of one',
  });
  return (output) => {
    switch (output.type) {
      case 'ChargeInFlight':
        return charges.count('in_flight');
      case 'ChargeSettled':
        return charges.count('settled');
      case 'ChargeReturned':
        return charges.count('returned');
      case 'ChargeUncollectible':
        return charges.count('uncollectible');
      case 'ChargeParked':
        return charges.count('parked');
      case 'BatchSealed':
        return batches.count(`sealed/${output.data.reason}`);
      case 'BatchSubmitted':
        return batches.count('submitted');
      case 'BatchConfirmed':
        return batches.count('confirmed');
      case 'BatchLost':
        return batches.count('lost');
      case 'GasSpent':
        gas.count('', Number.parseInt(output.data.gasUsed, 10));
        return authorizations.count('', output.data.charges);
      default:
        return;
    }
  };
}

/** Read from the fold's state when they are scraped. */
function gaugePartitions(
  metrics: Metrics,
  owned: ReadonlySet<OwnedPartition>,
  clock: () => number,
): void {
  const each = (
    name: string,
    help: string,
    readValue: (state: ReadView, nowMs: number) => number | undefined,
  ): void => {
    const collect = (gauge: Gauge<'partition'>): void => {
      gauge.reset();
      for (const { partition, state } of owned) {
        const value = readValue(state, clock());
        // Absent where there is nothing to tell of: no deadline is no deadline of zero.
        if (value !== undefined) gauge.set({ partition: String(partition) }, value);
      }
    };
    metrics.gauge({ name, help, labels: ['partition'], collect });
  };
  each('paycrawl_settlement_queue_charges', 'Charges in line for a batch', (state) =>
    poolsOf(state).reduce((sum, { queued, alone }) => sum + queued + alone, 0),
  );
  each(
    'paycrawl_settlement_held_charges',
    'Charges whose call failed and that wait until it would succeed (bounded at 1000)',
    (state) => state.range(heldPrefix, 1_000).length,
  );
  each(
    'paycrawl_settlement_batches_in_flight',
    'Batches that are sealed and not yet known at depth',
    (state) => lanesOf(state).reduce((sum, { batchIds }) => sum + batchIds.length, 0),
  );
  each(
    'paycrawl_settlement_oldest_batch_seconds',
    'Age of the oldest batch in flight; 0: none',
    oldestBatchSeconds,
  );
  each(
    'paycrawl_settlement_nearest_deadline_seconds',
    'Time until the first authorization of an unsettled charge dies; absent: none',
    nearestDeadlineSeconds,
  );
  each(
    'paycrawl_settlement_margin_seconds',
    'How long before its deadline a charge must be in a batch, as measured',
    marginSeconds,
  );
}

function poolsOf(state: ReadView): readonly Pool[] {
  return state.range<Pool>(poolKey('')).map(([, pool]) => pool);
}

function lanesOf(state: ReadView): readonly Lane[] {
  return state.range<Lane>(laneKey('')).map(([, lane]) => lane);
}

function oldestBatchSeconds(state: ReadView, nowMs: number): number {
  const sealedMs = lanesOf(state)
    .flatMap(({ batchIds }) => batchIds)
    .map((batchId) => batchOf(state, batchId)?.sealedAtMs ?? nowMs);
  return Math.max(0, ...sealedMs.map((atMs) => (nowMs - atMs) / 1000));
}

/** In line it is the first of each queue; in flight and held all are looked at. */
function nearestDeadlineSeconds(state: ReadView, nowMs: number): number | undefined {
  const queued = state
    .range<Pool>(poolKey(''))
    .map(([key]) => key.slice(poolKey('').length))
    .flatMap((pool) => [queuePrefix(pool, false), queuePrefix(pool, true)])
    .flatMap((prefix) => state.range<string>(prefix, 1).map(([, chargeId]) => chargeId));
  const inFlight = lanesOf(state)
    .flatMap(({ batchIds }) => batchIds)
    .flatMap((batchId) => batchOf(state, batchId)?.chargeIds ?? []);
  const held = state.range<string>(heldPrefix, 1_000).map(([, chargeId]) => chargeId);
  const deadlines = [...queued, ...inFlight, ...held].flatMap((chargeId) => {
    const charge = chargeOf(state, chargeId);
    return charge === undefined ? [] : [deadlineMs(charge.due)];
  });
  if (deadlines.length === 0) return undefined;
  const nearestMs = Math.min(...deadlines);
  return (nearestMs - nowMs) / 1000;
}

function marginSeconds(state: ReadView): number | undefined {
  const margins = lanesOf(state).map((lane) => {
    const pools = poolsOf(state).filter(({ network }) => network === lane.network);
    const queued = pools.reduce((sum, pool) => sum + pool.queued + pool.alone, 0);
    const aheadMs = marginMs(state, lane, queued);
    return aheadMs / 1000;
  });
  return margins.length === 0 ? undefined : Math.max(...margins);
}
