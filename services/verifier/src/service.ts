import { randomBytes } from 'node:crypto';
import { maxHeaderSize } from 'node:http';
import { join } from 'node:path';
import type { Chain } from '@paycrawl/chain/chain';
import { fail } from '@paycrawl/errors/paycrawl-error';
import type { EventLog } from '@paycrawl/event-log/event-log';
import { createRenewingProducer } from '@paycrawl/event-log/renewing-producer';
import type { Wakeups } from '@paycrawl/event-log/wakeups';
import { partitionFolder, physicalTopic } from '@paycrawl/events/topics';
import type { ReadView } from '@paycrawl/fold/fold';
import { createLogSink, deadLetterOf } from '@paycrawl/fold/log-sink';
import {
  type Driver,
  type OwnedPartition,
  type Runtime,
  startRuntime,
} from '@paycrawl/fold/runtime';
import type { FoldStep } from '@paycrawl/fold/steps';
import { openStore } from '@paycrawl/fold/store';
import { measureChain } from '@paycrawl/service-kit/chain-calls';
import { createHealth, type Health } from '@paycrawl/service-kit/health';
import { createHttp, listen, registerOperations } from '@paycrawl/service-kit/http';
import type { Logger } from '@paycrawl/service-kit/logger';
import type { Metrics } from '@paycrawl/service-kit/metrics';
import { closeWithLane, putLaneBefore } from '@paycrawl/service-kit/plain-http/lane-before-server';
import { watchProgress } from '@paycrawl/service-kit/progress';
import { type Recoveries, recoveriesOnLoop } from '@paycrawl/service-kit/recovery-threads';
import type { Telemetry } from '@paycrawl/service-kit/telemetry';
import { announce } from './admission/announce.js';
import { admission } from './admission/decide.js';
import { followMeasuredMargins, type MeasuredMargins } from './admission/measured-margins.js';
import { writeSettings } from './admission/settings-writer.js';
import { type AdmissionOutput, settings } from './admission/state.js';
import type { VerifierConfig } from './config.js';
import { loadAccounts } from './facilitator/accounts.js';
import { createDecisionHub } from './facilitator/decision-hub.js';
import { createPayerObserver } from './facilitator/payer-observer.js';
import { createFundsWatcher, type FundsWatcher } from './funds/watcher.js';
import { createInstruments, type Instruments, measure } from './instruments.js';
import {
  createAnswerVerify,
  type FacilitatorRoutesOptions,
  registerFacilitator,
} from './routes/facilitator.js';
import { onPlainVerify, takesVerify } from './routes/plain-verify.js';

export interface VerifierOptions {
  readonly log: EventLog;
  readonly chain: Chain;
  readonly wakeups: Wakeups;
  /** One store per partition below it; belongs to one process at a time. */
  readonly storeDirectory: string;
  /** Holds `facilitator-keys.json`, where there are API keys. */
  readonly secretsDirectory: string;
  readonly config: VerifierConfig;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Undefined: nothing is traced. */
  readonly telemetry?: Telemetry | undefined;
  /** Of the process, where others check something too. */
  readonly health?: Health;
  /** Of signers; absent: on the event loop. */
  readonly recoveries?: Recoveries;
  /** Names this instance where wake-ups go; drawn when absent. */
  readonly instanceId?: string;
  /** Addresses that settlement sends from, for `/supported`. */
  readonly signers?: readonly string[];
  clock(): number;
  /** Admission cannot go on: the process must end. */
  onFatal(error: unknown): void;
  /** Told after each named step; only tests listen. */
  onStep?: ((step: FoldStep) => void) | undefined;
}

export interface Verifier {
  /** Origin of the facilitator API, with `/livez`, `/readyz` and `/metrics`. */
  readonly address: string;
  progress: Runtime['progress'];
  close(): Promise<void>;
}

/** What the parts share while the service runs. */
interface Parts extends VerifierOptions {
  readonly instruments: Instruments;
  readonly watcher: FundsWatcher;
  /** The fold's state, by owned partition. */
  readonly states: Map<number, ReadView>;
  readonly margins: MeasuredMargins;
}

/** Decides every proof, watches funds, and answers as a facilitator. */
export async function startVerifier(given: VerifierOptions): Promise<Verifier> {
  const options = { ...given, chain: measureChain(given.metrics, given.chain) };
  const closers: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (let closer = closers.pop(); closer !== undefined; closer = closers.pop()) await closer();
  };
  try {
    const instruments = createInstruments(options);
    const watcher = startWatcher(options, instruments);
    closers.push(watcher.close);
    const margins = await followMargins(options);
    closers.push(margins.close);
    const parts: Parts = { ...options, instruments, watcher, margins, states: new Map() };
    const runtime = await startAdmission(parts);
    closers.push(runtime.close);
    const { metrics, clock } = options;
    measure(instruments, metrics, { runtime, watcher, clock });
    const health = options.health ?? createHealth();
    watchHealth(health, runtime, watcher, options);
    const address = await startFacilitator(parts, health, closers);
    health.markReady();
    closers.push(async () => health.markStopping());
    return { address, progress: runtime.progress, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function followMargins({ log, chain, onFatal }: VerifierOptions): Promise<MeasuredMargins> {
  return followMeasuredMargins({ log, network: `eip155:${chain.chainId}`, onError: onFatal });
}

function startWatcher(
  { chain, config, clock, logger }: VerifierOptions,
  instruments: Instruments,
): FundsWatcher {
  const { finalityDepth: depth, ...knobs } = config.funds;
  return createFundsWatcher({
    ...knobs,
    chain,
    depth,
    clock,
    onObserved: instruments.fundsObserved,
    onFailure: (error) => {
      instruments.fundsFailed();
      logger.warn({ err: error }, 'funds could not be observed');
    },
  });
}

function startAdmission(parts: Parts): Promise<Runtime> {
  const { log, config, logger, storeDirectory, clock, onFatal, instruments } = parts;
  return startRuntime<AdmissionOutput>({
    log,
    fold: admission,
    groupId: admission.name,
    createSink: () => createLogSink(log, admission.name),
    openStore: (partition) => openStore(join(storeDirectory, partitionFolder(partition))),
    // Dead letters are among the outputs of this fold.
    deadLetter: deadLetterOf(admission.name) as () => AdmissionOutput,
    createDriver: (owned) => driverOf(owned, parts),
    snapshots: { topic: 'snapshots-verifier', intervalMs: config.snapshotIntervalMs },
    checkpointIntervalMs: config.checkpointIntervalMs,
    onStep: parts.onStep,
    clock,
    onFatal: (error) => {
      logger.fatal({ err: error }, 'admission stopped');
      onFatal(error);
    },
    onRestart: (error) => {
      instruments.restarted();
      logger.warn({ err: error }, 'admission folds again from its last durable position');
    },
  });
}

/** The largest of the partitions that are owned here: `/verify` asks before it knows the payer. */
function marginInForceS({ states, config }: Parts): number {
  const inForce = [...states.values()].map((state) => settings(state).marginS);
  return Math.max(config.admission.marginS, ...inForce);
}

/** Beside the fold: wake-ups, the funds watcher, and the settings of this process. */
function driverOf(owned: OwnedPartition, parts: Parts): Driver<AdmissionOutput> {
  const { wakeups, watcher, states, config, clock, logger, instruments } = parts;
  const { partition, state } = owned;
  states.set(partition, state);
  const funds = watcher.attach(owned);
  const stopSettings = writeSettings(owned, {
    wanted: config.admission,
    marginSMax: config.admission.marginSMax,
    measuredMarginS: () => parts.margins.ofPartition(partition),
    intervalMs: 500,
    clock,
    onError: (error) => logger.warn({ err: error, partition }, 'settings could not be written'),
  });
  return {
    onFolded: (outputs) => {
      announce(wakeups, outputs);
      funds.onFolded?.(outputs);
      instruments.decided(outputs);
    },
    close: async () => {
      if (states.get(partition) === state) states.delete(partition);
      stopSettings();
      await funds.close();
    },
  };
}

async function startFacilitator(
  parts: Parts,
  health: Health,
  closers: (() => Promise<void>)[],
): Promise<string> {
  const { log, chain, wakeups, config, logger, metrics, clock, states, instruments } = parts;
  const { asset, name, version } = config.token;
  const network = `eip155:${chain.chainId}`;
  const ingressId = `facilitator-${parts.instanceId ?? randomBytes(8).toString('hex')}`;
  const accounts = await loadAccounts(
    join(parts.secretsDirectory, 'facilitator-keys.json'),
    config.facilitator.isOpen,
  );
  // Every record stands for itself, so one failure must not end the facilitator.
  const producer = createRenewingProducer(log);
  closers.push(() => producer.close());
  const hub = createDecisionHub({
    ...{ log, wakeups, ingressId, lingerMs: 5_000 },
    onError: (error) => logger.warn({ err: error }, 'decisions could not be read'),
  });
  closers.push(hub.close);
  const { finalityDepth: depth, ...batches } = config.funds;
  const closing = new AbortController();
  const app = createHttp({ logger, fastify: { bodyLimit: config.facilitator.bodyBytesMax } });
  registerOperations(app, { health, metrics });
  const options: FacilitatorRoutesOptions = {
    accounts,
    signers: parts.signers ?? [],
    marginS: () => marginInForceS(parts),
    instruments,
    context: {
      ...{ config, chain, producer, hub, ingressId, clock, telemetry: parts.telemetry },
      recover: (parts.recoveries ?? recoveriesOnLoop).recover,
      token: { network, chainId: BigInt(chain.chainId), asset: asset.toLowerCase(), name, version },
      observer: createPayerObserver({
        ...{ ...batches, chain, depth, clock },
        ...{ freshMs: config.facilitator.fundsFreshMs, payersRememberedMax: 10_000 },
      }),
      partitions: await partitionsOf(log),
      closing: closing.signal,
      stateOf: (partition) => states.get(partition),
      newId: createIds(),
    },
  };
  const answerVerify = createAnswerVerify(options);
  registerFacilitator(app, answerVerify, options);
  const lane = putLaneBefore(app.server, {
    ...{ headerBytesMax: maxHeaderSize, keepAliveTimeoutMs: app.server.keepAliveTimeout },
    nowMs: clock,
    takes: takesVerify(config.facilitator.bodyBytesMax),
    onRequest: onPlainVerify({ answerVerify, logger, telemetry: parts.telemetry }),
  });
  const address = await listen(app, config.facilitator);
  closers.push(() => closeWithLane(app.server, lane, () => app.close()));
  // First of all: who waits for a settlement is told how it stands, so that the server can close.
  closers.push(async () => closing.abort());
  return address;
}

async function partitionsOf(log: EventLog): Promise<{ payer: number; publisher: number }> {
  const topics = await log.topics();
  const count = (name: string): number => {
    const found = topics.find((topic) => topic.name === name);
    if (found === undefined) throw fail('log_unknown_partition', `There is no topic ${name}.`);
    return found.partitions;
  };
  return { payer: count(physicalTopic('payments')), publisher: count(physicalTopic('challenges')) };
}

/** Unique without a draw for each: one random prefix and a counter. */
function createIds(): () => string {
  const prefix = randomBytes(9).toString('base64url');
  let count = 0;
  return () => `${prefix}-${(count++).toString(36)}`;
}

function watchHealth(
  health: Health,
  runtime: Runtime,
  watcher: FundsWatcher,
  { config, recoveries }: VerifierOptions,
): void {
  const { stalledAfterMs } = config;
  watchProgress(health, 'admission', { stalledAfterMs, progress: runtime.progress });
  if (recoveries !== undefined) health.check('recovery', recoveries.assertComplete);
  health.check('funds', () => {
    const trouble = watcher.trouble();
    if (trouble !== undefined) {
      throw fail('chain_unavailable', 'Funds cannot be observed.', { cause: trouble.error });
    }
  });
}
