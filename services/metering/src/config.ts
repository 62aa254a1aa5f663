import { type Environment, loadConfig } from '@paycrawl/service-kit/config';
import { type Static, Type } from '@sinclair/typebox';

/** Knobs of the service itself; whoever composes it (main, standalone) hands them in. */
export const meteringSchema = Type.Object({
  /** Absent: the fee that the log holds stays in force (none at first). */
  platformFeeBps: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 10_000,
      env: 'PLATFORM_FEE_BPS',
      description: 'hundredths of a percent of each settled crawl, owed by its publisher',
    }),
  ),
  checkpointIntervalMs: Type.Integer({
    minimum: 10,
    default: 1_000,
    env: 'METERING_CHECKPOINT_INTERVAL_MS',
    description: 'a crash folds again what came since; one store transaction per interval',
  }),
  snapshotIntervalMs: Type.Integer({
    minimum: 1000,
    default: 300_000,
    env: 'METERING_SNAPSHOT_INTERVAL_MS',
    description: 'bounds what a new machine folds again; each writes the whole state',
  }),
});
export type MeteringConfig = Static<typeof meteringSchema>;

/** What a metering process of its own needs beside that. */
export const processSchema = Type.Object({
  dataDir: Type.String({ default: '.paycrawl', description: 'log and local state' }),
  operations: Type.Object({
    host: Type.String({ default: '127.0.0.1', env: 'METERING_HOST' }),
    port: Type.Integer({ minimum: 0, maximum: 65535, default: 0, env: 'METERING_PORT' }),
  }),
  stalledAfterMs: Type.Integer({
    minimum: 1000,
    default: 30_000,
    env: 'METERING_STALLED_AFTER_MS',
    description: 'lag without a checkpoint for this long fails the liveness probe',
  }),
  shutdownDeadlineMs: Type.Integer({
    minimum: 1000,
    default: 20_000,
    description: 'below the 30 s that orchestrators wait before they kill',
  }),
  metering: meteringSchema,
});
export type ProcessConfig = Static<typeof processSchema>;

export function loadMeteringConfig(env: Environment): MeteringConfig {
  return loadConfig(meteringSchema, env);
}
