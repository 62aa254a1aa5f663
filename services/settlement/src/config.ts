import { type Environment, loadConfig } from '@paycrawl/service-kit/config';
import {
  addressKnobs,
  chainSchema,
  checkpointKnob,
  processKnobs,
  shutdownKnob,
  snapshotKnob,
  stalledKnob,
} from '@paycrawl/service-kit/process-config';
import { type Static, Type } from '@sinclair/typebox';

/** Knobs of the service itself; whoever composes it (main, standalone) hands them in. */
export const settlementSchema = Type.Object({
  batchChargesMax: Type.Integer({
    minimum: 1,
    maximum: 120,
    default: 100,
    env: 'SETTLEMENT_BATCH_CHARGES_MAX',
    description: '120 transfers fill the 16.7 M gas that one transaction may have (EIP-7825)',
  }),
  batchAgeMaxMs: Type.Integer({
    minimum: 0,
    default: 2_000,
    env: 'SETTLEMENT_BATCH_AGE_MAX_MS',
    description: 'about one block: waiting longer saves little gas and delays money',
  }),
  batchesInFlightMax: Type.Integer({
    minimum: 1,
    maximum: 64,
    default: 64,
    env: 'SETTLEMENT_BATCHES_IN_FLIGHT_MAX',
    description:
      'at most 16 lack a block; the others wait for depth, which is some 30 where a lane gets 6 a block',
  }),
  deadlineMarginS: Type.Integer({
    minimum: 1,
    default: 20,
    env: 'SETTLEMENT_DEADLINE_MARGIN_S',
    description: 'floor of the margin; what was measured counts if it is more',
  }),
  finalityDepth: Type.Integer({
    minimum: 1,
    maximum: 1_000,
    default: 4,
    env: 'CHAIN_FINALITY_DEPTH',
    description: 'blocks below the head that no reorganisation reaches; the verifier uses the same',
  }),
  pollIntervalMs: Type.Integer({
    minimum: 50,
    default: 250,
    env: 'SETTLEMENT_POLL_INTERVAL_MS',
    description: 'how late a block is noticed; a poll asks for the head, and nothing when idle',
  }),
  resendAfterMs: Type.Integer({
    minimum: 0,
    default: 5_000,
    env: 'SETTLEMENT_RESEND_AFTER_MS',
    description: 'nodes forget transactions; sending the same bytes again is harmless',
  }),
  bumpAfterMs: Type.Integer({
    minimum: 1_000,
    default: 15_000,
    env: 'SETTLEMENT_BUMP_AFTER_MS',
    description: 'several blocks: what is not mined by then is outbid with the same nonce',
  }),
  maxFeePerGasWei: Type.String({
    pattern: '^[1-9][0-9]{0,30}$',
    default: '100000000000',
    env: 'SETTLEMENT_MAX_FEE_PER_GAS_WEI',
    description: '100 gwei: above it batches wait, because gas would eat the charges',
  }),
  aloneGasMax: Type.Integer({
    minimum: 100_000,
    default: 1_500_000,
    env: 'SETTLEMENT_ALONE_GAS_MAX',
    description: 'a wallet deployment with its transfer fits; code of payers gets no more',
  }),
  lookbackBlocksMax: Type.Integer({
    minimum: 100,
    default: 50_000,
    env: 'SETTLEMENT_LOOKBACK_BLOCKS_MAX',
    description: 'a day of 2-second blocks: no offered window is longer',
  }),
  measureIntervalMs: Type.Integer({
    minimum: 100,
    default: 5_000,
    env: 'SETTLEMENT_MEASURE_INTERVAL_MS',
    description: 'queue and rate are published when they changed, at most this often',
  }),
  checkpointIntervalMs: checkpointKnob('SETTLEMENT'),
  snapshotIntervalMs: snapshotKnob('SETTLEMENT'),
});
export type SettlementConfig = Static<typeof settlementSchema>;

/** What a settlement process of its own needs beside that. */
export const processSchema = Type.Object({
  ...processKnobs,
  chain: chainSchema,
  operations: addressKnobs('SETTLEMENT'),
  stalledAfterMs: stalledKnob('SETTLEMENT', 30_000),
  shutdownDeadlineMs: shutdownKnob(20_000),
  settlement: settlementSchema,
});
export type ProcessConfig = Static<typeof processSchema>;

export function loadSettlementConfig(env: Environment): SettlementConfig {
  return loadConfig(settlementSchema, env);
}
