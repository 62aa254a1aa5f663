import { fileURLToPath } from 'node:url';
import { fail } from '@paycrawl/errors/paycrawl-error';
import type { Asset } from '@paycrawl/money/money';
import { type Environment, loadConfig } from '@paycrawl/service-kit/config';
import {
  addressKnobs,
  checkpointKnob,
  optionalChainSchema,
  processKnobs,
  shutdownKnob,
  stalledKnob,
} from '@paycrawl/service-kit/process-config';
import { type Static, Type } from '@sinclair/typebox';

/** Knobs of the service itself; whoever composes it (main, standalone) hands them in. */
export const analyticsSchema = Type.Object({
  http: addressKnobs('API'),
  flushIntervalMs: Type.Integer({
    minimum: 1,
    maximum: 500,
    default: 250,
    env: 'ANALYTICS_FLUSH_INTERVAL_MS',
    description: 'an event waits for two flushes at most and must be visible within 2 s',
  }),
  blockOutputsMax: Type.Integer({
    minimum: 1,
    default: 20_000,
    env: 'ANALYTICS_BLOCK_OUTPUTS_MAX',
    description: 'a full block is written at once; the engine takes 10k-row blocks best',
  }),
  checkpointIntervalMs: checkpointKnob('ANALYTICS'),
  reconcileIntervalMs: Type.Integer({
    minimum: 1_000,
    default: 30_000,
    env: 'ANALYTICS_RECONCILE_INTERVAL_MS',
    description: 'reads whole roll-ups; often enough for an alarm',
  }),
  reconcilePatienceMs: Type.Integer({
    minimum: 0,
    default: 10_000,
    env: 'ANALYTICS_RECONCILE_PATIENCE_MS',
    description: 'services follow each other within this time; a difference that stays is one',
  }),
  liveIntervalMs: Type.Integer({
    minimum: 50,
    default: 500,
    env: 'ANALYTICS_LIVE_INTERVAL_MS',
    description: 'what a person can follow; three queries each, shared by all who watch',
  }),
  unpaidRetentionDays: Type.Integer({
    minimum: 1,
    default: 90,
    env: 'ANALYTICS_UNPAID_RETENTION_DAYS',
    description: 'single visits that paid nothing; longer than the log keeps `challenges`',
  }),
  stalledAfterMs: stalledKnob('ANALYTICS', 30_000),
});
export type AnalyticsConfig = Static<typeof analyticsSchema>;

/** The devnet's assets: Circle's USDC at its Base Sepolia address, and what pays gas. */
const devnetAssets = [
  'eip155:84532/erc20:0x036cbd53842c5426634e7929541ec2318f3dcf7e USDC 6',
  'eip155:84532/slip44:60 ETH 18',
];

/** What an analytics process of its own needs beside that. */
export const processSchema = Type.Object({
  ...processKnobs,
  chain: optionalChainSchema('without it reconciliation cannot tell the side of the chain'),
  clickHouse: Type.Object({
    url: Type.Optional(
      Type.String({
        pattern: '^https?://',
        env: 'CLICKHOUSE_URL',
        description: 'without it the engine runs in this process, in DATA_DIR/warehouse',
      }),
    ),
    user: Type.Optional(Type.String({ env: 'CLICKHOUSE_USER' })),
    passwordFile: Type.Optional(Type.String({ env: 'CLICKHOUSE_PASSWORD_FILE' })),
    database: Type.Optional(
      Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]{0,63}$', env: 'CLICKHOUSE_DATABASE' }),
    ),
  }),
  assets: Type.Array(Type.String(), {
    default: devnetAssets,
    env: 'ASSETS',
    description: 'CAIP-19 id, symbol and decimals of each asset; decimals are never guessed',
  }),
  shutdownDeadlineMs: shutdownKnob(20_000),
  analytics: analyticsSchema,
});
export type ProcessConfig = Static<typeof processSchema>;

export function loadAnalyticsConfig(env: Environment): AnalyticsConfig {
  return loadConfig(analyticsSchema, env);
}

/** What belongs together, which the schema cannot say. */
export function checkClickHouse({ clickHouse }: ProcessConfig): void {
  const { url, user, passwordFile } = clickHouse;
  if (url === undefined && passwordFile !== undefined) {
    throw fail(
      'config_invalid',
      'CLICKHOUSE_PASSWORD_FILE: without CLICKHOUSE_URL nothing uses it',
    );
  }
  if (passwordFile !== undefined && user === undefined) {
    throw fail('config_invalid', 'CLICKHOUSE_USER: goes together with CLICKHOUSE_PASSWORD_FILE');
  }
}

/** `eip155:84532/erc20:0x… USDC 6` */
export function readAsset(text: string): Asset {
  const match = /^([^\s/]+\/[^\s/]+) (\S{1,20}) (\d{1,2})$/.exec(text);
  const [, id, symbol, decimals] = match ?? [];
  if (id === undefined || symbol === undefined || decimals === undefined) {
    throw fail('config_invalid', 'ASSETS: write each as "<CAIP-19 id> <symbol> <decimals>"');
  }
  return { id, symbol, decimals: Number.parseInt(decimals, 10) };
}

export const devnetAssetBook: readonly Asset[] = devnetAssets.map(readAsset);

/** Beside this service in the repository and in the image. */
export const consoleDirectoryDefault = fileURLToPath(
  new URL('../../console/dist', import.meta.url),
);
