import { type Environment, loadConfig } from '@paycrawl/service-kit/config';
import {
  addressKnobs,
  checkpointKnob,
  processKnobs,
  shutdownKnob,
  snapshotKnob,
  stalledKnob,
} from '@paycrawl/service-kit/process-config';
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
  checkpointIntervalMs: checkpointKnob('METERING'),
  snapshotIntervalMs: snapshotKnob('METERING'),
});
export type MeteringConfig = Static<typeof meteringSchema>;

/** What a metering process of its own needs beside that. */
export const processSchema = Type.Object({
  ...processKnobs,
  operations: addressKnobs('METERING'),
  stalledAfterMs: stalledKnob('METERING', 30_000),
  shutdownDeadlineMs: shutdownKnob(20_000),
  metering: meteringSchema,
});
export type ProcessConfig = Static<typeof processSchema>;

export function loadMeteringConfig(env: Environment): MeteringConfig {
  return loadConfig(meteringSchema, env);
}
