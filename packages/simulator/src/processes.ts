import { createDeadLetterSink } from '@paycrawl/analytics/projection/dead-letter-sink';
import { createFlusher } from '@paycrawl/analytics/projection/flusher';
import { projectionFolds } from '@paycrawl/analytics/projection/projection';
import type { EventOutputs, ProjectionFold } from '@paycrawl/analytics/projection/projection-fold';
import type { Chain } from '@paycrawl/chain/chain';
import { PaycrawlError } from '@paycrawl/errors/paycrawl-error';
import type { EventLog, LogRecord } from '@paycrawl/event-log/event-log';
import type { Caused, LogOutput } from '@paycrawl/fold/fold';
import { createLogSink, deadLetterOf } from '@paycrawl/fold/log-sink';
import { type RuntimeOptions, startRuntime } from '@paycrawl/fold/runtime';
import { handsOver as handedByMetering, meteringFold } from '@paycrawl/metering/books/decide';
import { createFeeKeeper } from '@paycrawl/metering/fee-keeper';
import {
  handsOver as handedBySettlement,
  settlementFold,
} from '@paycrawl/settlement/batches/decide';
import { createSettlementDriver } from '@paycrawl/settlement/batches/driver';
import type { DriverSettings, Signer } from '@paycrawl/settlement/batches/driver-context';
import { createRegistryWriter } from '@paycrawl/settlement/registry-writer';
import { announce } from '@paycrawl/verifier/admission/announce';
import { admission } from '@paycrawl/verifier/admission/decide';
import { writeSettings } from '@paycrawl/verifier/admission/settings-writer';
import type { AdmissionOutput } from '@paycrawl/verifier/admission/state';
import { createFundsWatcher } from '@paycrawl/verifier/funds/watcher';
import { createChainPort } from './chain-port.js';
import { createLogPort } from './log-port.js';
import type { Place, Service } from './planted.js';
import { checkSubmitted } from './submissions.js';
import { createLife, type Life } from './timeline.js';
import { createWarehousePort } from './warehouse-model.js';
import { network, type World } from './world.js';

/** One process of a service, on a machine; what it leaves there outlives it. */
export interface Process {
  readonly life: Life;
  readonly service: Service;
  readonly machine: string;
  /** Ends it where it stands. */
  kill(): void;
  /** SIGTERM: as production does; resolves when everything is handed over. */
  stop(): Promise<void>;
}

/** It dies after the nth of these steps. */
export interface CrashPoint {
  readonly step: string;
  readonly times: number;
}

export interface ProcessOptions {
  readonly crash?: CrashPoint | undefined;
  onDeath?(): void;
}

interface Running extends Place {
  readonly machine: string;
  readonly log: EventLog;
  readonly clock: () => number;
  readonly onStep: (step: string) => void;
  readonly onFatal: (error: unknown) => void;
}

export function startProcess(
  world: World,
  service: Service,
  machine: string,
  { crash, onDeath }: ProcessOptions,
): Process {
  const skewMs = world.ports.between(-2_000, 2_000);
  const life = createLife(`${service} ${world.names.next()} on ${machine}`, skewMs);
  let stop: () => Promise<void> = async () => {};
  const kill = (): void => {
    if (life.isDead) return;
    life.isDead = true;
    world.note(`${life.name} died`);
    onDeath?.();
    const sessionMs = world.ports.draw() * 6_000;
    const outside = createLife('sessions');
    world.timeline.after(sessionMs, outside, () => world.groups.memberDied(life));
  };
  let left = crash?.times ?? 0;
  const place = { world, service, life };
  const running: Running = {
    ...place,
    machine,
    log: logOf(place),
    clock: () => Math.floor(world.timeline.nowMs + life.skewMs),
    onStep: (step) => {
      if (step !== crash?.step || --left > 0 || world.weather.isClear) return;
      world.note(`${life.name} crashes after ${step}`);
      kill();
    },
    onFatal: (error) => {
      // Bytes of its own memory may have made it stop: only a living process tells something.
      if (!life.isDead) world.find('process_stopped', life.name, textOf(error));
      kill();
    },
  };
  world.timeline.after(0, life, () => {
    world.note(`${life.name} starts`);
    starters[service](running).then((close) => {
      stop = close;
    }, running.onFatal);
  });
  return { life, service, machine, kill, stop: () => stop() };
}

export function textOf(error: unknown): string {
  if (error instanceof PaycrawlError) return `${error.code}: ${error.detail}`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function logOf(place: Place): EventLog {
  const { world } = place;
  const port = plainLogOf(place);
  return world.planted.log?.(port, place) ?? port;
}

export function plainLogOf({ world, life }: Place): EventLog {
  const { timeline, weather, broker, groups, ports } = world;
  return createLogPort(life, { timeline, weather, broker, groups, chance: ports.chance });
}

export function chainOf(place: Place, use: 'funds' | 'settlement', signer?: Signer): Chain {
  const { world, life } = place;
  const { timeline, weather, ports: random, chain: model, planted } = world;
  const port = createChainPort(life, {
    ...{ timeline, weather, random, model },
    ...(signer === undefined ? {} : { signer: signer.address }),
    onSubmit: (raw) => checkSubmitted(world, raw),
  });
  return planted.chain?.(port, { ...place, use }) ?? port;
}

const starters: Readonly<Record<Service, (running: Running) => Promise<() => Promise<void>>>> = {
  verifier: startVerifier,
  metering: startMetering,
  settlement: startSettlement,
  analytics: startAnalytics,
};

/** What all folds of the platform are run with, with the mistake in its place. */
function optionsOf<Out>(
  running: Running,
  own: Pick<RuntimeOptions<Out>, 'fold' | 'deadLetter' | 'createSink' | 'createDriver'> & {
    readonly groupId?: string;
  },
): RuntimeOptions<Out> {
  const { world, life, machine, clock, onStep, onFatal, log } = running;
  const { planted, plan } = world;
  const { fold } = own;
  const name = `${own.groupId ?? fold.name}`;
  return {
    ...{ log, clock, onStep, onFatal, groupId: name, deadLetter: own.deadLetter },
    fold: planted.fold?.(fold, running) ?? fold,
    createSink(partition) {
      const sink = own.createSink(partition);
      return planted.sink?.(sink, running) ?? sink;
    },
    openStore(partition) {
      const store = world.disks.open(life, machine, `${name}/${partition}`);
      return planted.store?.(store, { ...running, partition }) ?? store;
    },
    ...(own.createDriver === undefined ? {} : { createDriver: own.createDriver }),
    checkpointIntervalMs: plan.checkpointIntervalMs,
    onRestart: (error) => world.note(() => `${life.name} restarts: ${textOf(error)}`),
  };
}

async function startVerifier(running: Running): Promise<() => Promise<void>> {
  const { world, log, clock } = running;
  const { plan } = world;
  const watcher = createFundsWatcher({
    chain: chainOf(running, 'funds'),
    depth: plan.depth,
    batchPayersMax: 10,
    batchesInFlightMax: 2,
    blockPollMs: 500,
    backoffMaxMs: 2_000,
    clock,
  });
  const wanted = { marginS: plan.marginS, lossLimit: '1000000', waitingProofsMax: 4 };
  const runtime = await startRuntime<AdmissionOutput>({
    ...optionsOf<AdmissionOutput>(running, {
      fold: admission,
      createSink: () => createLogSink(log, admission.name),
      deadLetter: deadLetterOf(admission.name) as (record: LogRecord) => AdmissionOutput,
      createDriver(owned) {
        const funds = watcher.attach(owned);
        const onError = (): void => {};
        const stopSettings = writeSettings(owned, {
          ...{ wanted, intervalMs: 1_000, clock, onError },
          ...{ marginSMax: plan.marginS, measuredMarginS: () => 0 },
        });
        return {
          onFolded(outputs) {
            announce(world.wakeups, outputs);
            funds.onFolded?.(outputs);
          },
          async close() {
            stopSettings();
            await funds.close();
          },
        };
      },
    }),
    snapshots: { topic: 'snapshots-verifier', intervalMs: plan.snapshotIntervalMs },
  });
  return async () => {
    await runtime.close();
    await watcher.close();
  };
}

async function startMetering(running: Running): Promise<() => Promise<void>> {
  const { world, log, clock } = running;
  const runtime = await startRuntime<LogOutput>({
    ...optionsOf<LogOutput>(running, {
      fold: meteringFold,
      createSink: () => createLogSink(log, meteringFold.name, { handsOver: handedByMetering }),
      deadLetter: deadLetterOf(meteringFold.name),
      createDriver: (owned) => createFeeKeeper({ owned, feeBps: 250, intervalMs: 3_000, clock }),
    }),
    snapshots: { topic: 'snapshots-metering', intervalMs: world.plan.snapshotIntervalMs },
  });
  return runtime.close;
}

async function startSettlement(running: Running): Promise<() => Promise<void>> {
  const { world, log, clock, onStep } = running;
  const registry = createRegistryWriter(log);
  let told = '';
  const runtime = await startRuntime<LogOutput>({
    ...optionsOf<LogOutput>(running, {
      fold: settlementFold,
      createSink: () => createLogSink(log, settlementFold.name, { handsOver: handedBySettlement }),
      deadLetter: deadLetterOf(settlementFold.name),
      createDriver(owned) {
        const signer = world.signers[owned.partition] as Signer;
        const chain = chainOf(running, 'settlement', signer);
        const place = { ...running, chain, key: signer.privateKey };
        return createSettlementDriver(world.planted.owned?.(owned, place) ?? owned, {
          ...{ chain, signer, clock, onStep, settings: settingsOf(world) },
          publish: registry.append,
          onTrouble: (_partition, troubles) => {
            const text = troubles.map(({ code, detail }) => `${code} ${detail}`).join();
            if (text !== told) world.note(`${running.life.name} waits: ${text}`);
            told = text;
          },
        });
      },
    }),
    snapshots: { topic: 'snapshots-settlement', intervalMs: world.plan.snapshotIntervalMs },
  });
  return async () => {
    await runtime.close();
    await registry.close();
  };
}

function settingsOf(world: World): DriverSettings {
  const settings = driverSettings(world);
  return world.planted.settings?.(settings) ?? settings;
}

function driverSettings({ plan }: World): DriverSettings {
  const { batchChargesMax, batchesInFlightMax } = plan;
  return {
    network,
    finalityDepth: plan.depth,
    pollIntervalMs: 900,
    resendAfterMs: 4_000,
    bumpAfterMs: 6_000,
    maxFeePerGasWeiMax: 500_000_000_000n,
    aloneGasMax: 1_500_000n,
    lookbackBlocksMax: 10_000,
    measureIntervalMs: 10_000,
    batches: { batchChargesMax, batchesInFlightMax, batchAgeMaxMs: 2_000, deadlineMarginS: 8 },
  };
}

/** The folds with rules of their own; those that only index are rarely worth their time here. */
export function projectionsOf({ plan }: World): readonly ProjectionFold[] {
  if (plan.hasAllProjections) return projectionFolds;
  return projectionFolds.filter(({ input }) => projected.has(input));
}

const projected = new Set<string>(['decisions', 'ledger', 'settlements']);

/** As services/analytics writes them; what can be read must be projected. */
function setAside({ find }: World) {
  return ({ output, ...caused }: Caused<EventOutputs>): Caused<LogOutput>[] =>
    output.flatMap((one): Caused<LogOutput>[] => {
      if (one.table !== 'dead-letters') return [];
      const { code, detail, key, valueBase64 } = one.record;
      const [topic, partition, offset] = caused.cause;
      if (code !== 'record_unreadable') find('projection_failed', `${topic}/${offset}`, detail);
      const data = {
        consumer: 'analytics',
        code,
        detail,
        topic,
        partition,
        offset,
        key,
        valueBase64,
      };
      const place = { topic: 'dead-letters', key: `${topic}/${partition}` } as const;
      return [{ ...caused, output: { ...place, type: 'RecordDeadLettered', data } }];
    });
}

/** One process of analytics folds every topic into the warehouse. */
async function startAnalytics(running: Running): Promise<() => Promise<void>> {
  const { world, life, log } = running;
  const deadLetters = createDeadLetterSink(log);
  const flusher = createFlusher({
    warehouse: createWarehousePort(life, world.warehouse, world),
    flushIntervalMs: 300,
    blockOutputsMax: 100,
    engineShareMax: 1,
    retryDelayMs: 200,
    writeDeadLetters: (outputs) => deadLetters.write(outputs.flatMap(setAside(world)), 0),
  });
  const runtimes = await Promise.all(
    projectionsOf(world).map((fold) =>
      startRuntime<EventOutputs>(
        optionsOf<EventOutputs>(running, {
          fold,
          groupId: `analytics-${fold.input}`,
          createSink: () => ({ write: (outputs) => flusher.add(outputs), close: async () => {} }),
          deadLetter: (record, code, detail) => {
            const { key, value } = record;
            const valueBase64 = value.toString('base64');
            return [{ table: 'dead-letters', record: { code, detail, key, valueBase64 } }];
          },
        }),
      ),
    ),
  );
  return async () => {
    await Promise.all(runtimes.map((runtime) => runtime.close()));
    await flusher.close();
    await deadLetters.close();
  };
}
