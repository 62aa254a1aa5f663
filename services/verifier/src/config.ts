import { type Environment, loadConfig } from '@paycrawl/service-kit/config';
import {
  chainSchema,
  checkpointKnob,
  processKnobs,
  recoveryThreadsKnob,
  shutdownKnob,
  snapshotKnob,
  stalledKnob,
} from '@paycrawl/service-kit/process-config';
import { type Static, Type } from '@sinclair/typebox';

/** Knobs of the service itself; whoever composes it (main, standalone) hands them in. */
export const verifierSchema = Type.Object({
  admission: Type.Object({
    marginS: Type.Integer({
      minimum: 1,
      default: 30,
      env: 'ADMISSION_MARGIN_S',
      description: 'above the margin of settlement (20 s), so that a charge is sealed in time',
    }),
    marginSMax: Type.Integer({
      minimum: 1,
      default: 450,
      env: 'ADMISSION_MARGIN_S_MAX',
      description: 'half of the longest window that an ingress offers; measured margins end here',
    }),
    lossLimit: Type.String({
      pattern: '^(0|[1-9][0-9]{0,30})$',
      default: '1000000',
      env: 'ADMISSION_LOSS_LIMIT',
      description: 'one USDC of unpaid deliveries; a crawler that goes on after it is a thief',
    }),
    waitingProofsMax: Type.Integer({
      minimum: 1,
      maximum: 10_000,
      default: 256,
      env: 'ADMISSION_WAITING_PROOFS_MAX',
      description: 'one payer cannot fill the memory of its partition',
    }),
  }),
  funds: Type.Object({
    finalityDepth: Type.Integer({
      minimum: 0,
      maximum: 1_000,
      default: 4,
      env: 'CHAIN_FINALITY_DEPTH',
      description: 'blocks below the head that no reorganisation reaches; settlement uses the same',
    }),
    batchPayersMax: Type.Integer({
      minimum: 1,
      maximum: 1_000,
      default: 200,
      env: 'FUNDS_BATCH_PAYERS_MAX',
      description: 'one JSON-RPC batch of public nodes',
    }),
    batchesInFlightMax: Type.Integer({
      minimum: 1,
      maximum: 64,
      default: 4,
      env: 'FUNDS_BATCHES_IN_FLIGHT_MAX',
      description: 'a slow answer must not hold up every other payer',
    }),
    blockPollMs: Type.Integer({
      minimum: 10,
      default: 250,
      env: 'FUNDS_BLOCK_POLL_MS',
      description: 'a quarter of the shortest block time; nothing is polled while nobody waits',
    }),
    backoffMaxMs: Type.Integer({
      minimum: 100,
      default: 2_000,
      env: 'FUNDS_BACKOFF_MAX_MS',
      description: 'a chain that comes back is noticed within about a block',
    }),
  }),
  facilitator: Type.Object({
    host: Type.String({ default: '127.0.0.1', env: 'FACILITATOR_HOST' }),
    port: Type.Integer({
      minimum: 0,
      maximum: 65535,
      default: 0,
      env: 'FACILITATOR_PORT',
      description: '0 = any free port',
    }),
    isOpen: Type.Boolean({
      default: false,
      env: 'FACILITATOR_IS_OPEN',
      description: 'who brings no API key is the account "open": for a devnet only',
    }),
    bodyBytesMax: Type.Integer({
      minimum: 1_024,
      default: 65_536,
      env: 'FACILITATOR_BODY_BYTES_MAX',
      description: 'a payload with an ERC-6492 signature is far below',
    }),
    decideWithinMs: Type.Integer({
      minimum: 100,
      maximum: 60_000,
      default: 5_000,
      env: 'FACILITATOR_DECIDE_WITHIN_MS',
      description: 'how long a proof may wait for an observation of its funds',
    }),
    fundsFreshMs: Type.Integer({
      minimum: 0,
      maximum: 60_000,
      default: 1_000,
      env: 'FACILITATOR_FUNDS_FRESH_MS',
      description: 'about a block: /verify asks for balance and code no more often; nonces always',
    }),
    settleWithinMs: Type.Integer({
      minimum: 0,
      maximum: 60_000,
      default: 20_000,
      env: 'FACILITATOR_SETTLE_WITHIN_MS',
      description: 'then the answer is settlement_pending; published clients give up after 90 s',
    }),
    settlesInFlightMax: Type.Integer({
      minimum: 1,
      default: 5_000,
      env: 'FACILITATOR_SETTLES_IN_FLIGHT_MAX',
      description: 'each holds a connection; above it the answer is 503 with Retry-After',
    }),
  }),
  token: Type.Object({
    asset: Type.String({
      pattern: '^0x[0-9a-fA-F]{40}$',
      default: '0x036CbD53842c5426634e7929541eC2318f3dCF7e',
      env: 'TOKEN_ASSET',
      description: 'USDC where clients know it on eip155:84532',
    }),
    name: Type.String({ default: 'USDC', env: 'TOKEN_NAME', description: 'of its EIP-712 domain' }),
    version: Type.String({ default: '2', env: 'TOKEN_VERSION' }),
  }),
  checkpointIntervalMs: checkpointKnob('VERIFIER'),
  snapshotIntervalMs: snapshotKnob('VERIFIER'),
  stalledAfterMs: stalledKnob('VERIFIER', 15_000),
});
export type VerifierConfig = Static<typeof verifierSchema>;

/** What a verifier process of its own needs beside that. */
export const processSchema = Type.Object({
  ...processKnobs,
  chain: chainSchema,
  recoveryThreads: recoveryThreadsKnob,
  // Above settleWithinMs: who waits for a settlement is answered.
  shutdownDeadlineMs: shutdownKnob(25_000),
  verifier: verifierSchema,
});
export type ProcessConfig = Static<typeof processSchema>;

export function loadVerifierConfig(env: Environment): VerifierConfig {
  return loadConfig(verifierSchema, env);
}
