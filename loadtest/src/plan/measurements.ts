import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { BenchFigures } from '../bench-cli.js';
import type { LatencyFile } from '../bench-latency-cli.js';
import type { OverloadFile } from '../bench-overload-cli.js';
import type { PeersFile } from '../bench-peers-cli.js';
import type { ReplayFile } from '../bench-replay-cli.js';
import type { RevenueFile } from '../bench-revenue-cli.js';
import type { SettlementFile } from '../bench-settlement-cli.js';
import type { SoakFile } from '../bench-soak-cli.js';
import type { StartFile } from '../bench-start-cli.js';
import type { StepFigures } from '../bench-steps-cli.js';
import { readFigures } from '../figures.js';
import type { PlanMeasurements } from './inputs.js';

/** The last runs that were kept. */
export interface Kept {
  readonly steps: StepFigures | undefined;
  readonly bench: BenchFigures | undefined;
  readonly kafka?: BenchFigures | undefined;
  readonly peers?: PeersFile | undefined;
  readonly settlement?: SettlementFile | undefined;
  readonly replay?: ReplayFile | undefined;
  readonly revenue?: RevenueFile | undefined;
  readonly start?: StartFile | undefined;
  readonly soak?: SoakFile | undefined;
  readonly latency?: LatencyFile | undefined;
  readonly 'latency-kafka'?: LatencyFile | undefined;
  readonly overload?: OverloadFile | undefined;
}

export function keptFigures(): Kept {
  return {
    steps: kept<StepFigures>('steps'),
    bench: kept<BenchFigures>('bench'),
    kafka: kept<BenchFigures>('kafka'),
    peers: kept<PeersFile>('peers'),
    settlement: kept<SettlementFile>('settlement'),
    replay: kept<ReplayFile>('replay'),
    revenue: kept<RevenueFile>('revenue'),
    start: kept<StartFile>('start'),
    soak: kept<SoakFile>('soak'),
    latency: kept<LatencyFile>('latency'),
    'latency-kafka': kept<LatencyFile>('latency-kafka'),
    overload: kept<OverloadFile>('overload'),
  };
}

function kept<Figures>(name: string): Figures | undefined {
  const path = fileURLToPath(new URL(`../../figures/${name}.json`, import.meta.url));
  return existsSync(path) ? readFigures<Figures>(path) : undefined;
}

export function measurementsOf({ steps, bench }: Kept): PlanMeasurements {
  const { challenges, admission } = bench?.ratesPerS ?? {};
  const cores = bench?.machine.cores ?? 1;
  return {
    challengesPerSPerCore: challenges === undefined ? undefined : challenges / cores,
    admissionRecordsPerS: admission,
    crawlCpuUs: steps?.budget.crawlUs,
    crawlBytes: steps?.crawlBytes,
    challengeBytes: steps?.challengeBytes,
    engineBytesPerCrawl: steps?.engineBytesPerCrawl,
    engineBytesPerChallenge: steps?.engineBytesPerChallenge,
    engineRowsPerCrawl: steps?.engineRowsPerCrawl,
    engineRowsPerChallenge: steps?.engineRowsPerChallenge,
  };
}
