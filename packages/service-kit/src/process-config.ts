import { join } from 'node:path';
import { Type } from '@sinclair/typebox';
import { logSchema } from './log-config.js';

/** Knobs that every service process has; spread into its own schema. */
export const processKnobs = {
  dataDir: Type.String({
    default: '.paycrawl',
    description: 'state of this machine; the embedded log and secrets too, where they are embedded',
  }),
  secretsDir: Type.Optional(
    Type.String({ description: 'mounted secrets; default: secrets in DATA_DIR, made when absent' }),
  ),
  instanceId: Type.Optional(
    Type.String({
      pattern: '^[A-Za-z0-9._-]{1,64}$',
      description: 'differs between instances of a service; default: see README of service-kit',
    }),
  ),
  log: logSchema,
};

export const shutdownKnob = (defaultMs: number) =>
  Type.Integer({
    minimum: 1_000,
    default: defaultMs,
    env: 'SHUTDOWN_DEADLINE_MS',
    description: 'below the 30 s that orchestrators wait before they kill',
  });

export const recoveryThreadsKnob = Type.Integer({
  minimum: 0,
  maximum: 16,
  default: 1,
  env: 'RECOVERY_THREADS',
  description: 'recover signers beside the event loop; one does more than a loop can ask; 0: none',
});

/** Where `/livez`, `/readyz` and `/metrics` of a service are, e.g. `METERING_PORT`. */
export const addressKnobs = (prefix: string) =>
  Type.Object({
    host: Type.String({ default: '127.0.0.1', env: `${prefix}_HOST` }),
    port: Type.Integer({
      minimum: 0,
      maximum: 65_535,
      default: 0,
      env: `${prefix}_PORT`,
      description: '0 = any free port',
    }),
  });

const chainKnobs = {
  chainId: Type.Integer({ minimum: 1, default: 84532, env: 'CHAIN_ID' }),
  timeoutMs: Type.Integer({
    minimum: 100,
    default: 5_000,
    env: 'CHAIN_TIMEOUT_MS',
    description: 'well over any healthy answer',
  }),
};

/** For those who cannot work without the chain. */
export const chainSchema = Type.Object({
  rpcUrl: Type.String({ env: 'CHAIN_RPC_URL', description: 'JSON-RPC of the chain' }),
  ...chainKnobs,
});

/** For those who do less without it; the description says what is missing then. */
export const optionalChainSchema = (description: string) =>
  Type.Object({
    rpcUrl: Type.Optional(Type.String({ env: 'CHAIN_RPC_URL', description })),
    ...chainKnobs,
  });

export const checkpointKnob = (prefix: string) =>
  Type.Integer({
    minimum: 10,
    default: 1_000,
    env: `${prefix}_CHECKPOINT_INTERVAL_MS`,
    description: 'a crash folds again what came since; one store transaction per interval',
  });

export const snapshotKnob = (prefix: string) =>
  Type.Integer({
    minimum: 1_000,
    default: 300_000,
    env: `${prefix}_SNAPSHOT_INTERVAL_MS`,
    description: 'bounds what a new machine folds again; each writes the whole state',
  });

export const stalledKnob = (prefix: string, defaultMs: number) =>
  Type.Integer({
    minimum: 1_000,
    default: defaultMs,
    env: `${prefix}_STALLED_AFTER_MS`,
    description: 'lag without a checkpoint for this long fails the liveness probe',
  });

export interface SecretsPlace {
  readonly directory: string;
  /** As in `SecretOptions`. */
  readonly mayCreate: boolean;
}

export function secretsOf(config: {
  readonly dataDir: string;
  readonly secretsDir?: string;
}): SecretsPlace {
  const { dataDir, secretsDir } = config;
  if (secretsDir !== undefined) return { directory: secretsDir, mayCreate: false };
  return { directory: join(dataDir, 'secrets'), mayCreate: true };
}
