import { hasCode } from '@paycrawl/errors/paycrawl-error';
import type { Static, TObject } from '@sinclair/typebox';
import type { FastifyInstance } from 'fastify';
import { configCommand, processEnvironment } from './config.js';
import { crashPoint } from './crash-point.js';
import { createHealth, type Health } from './health.js';
import { createHttp, type ListenOptions, listen, registerOperations } from './http.js';
import { createLifecycle, handleSignals, type Lifecycle } from './lifecycle.js';
import { createLogger, type Logger } from './logger.js';
import { createMetrics, type Metrics } from './metrics.js';
import { startTelemetry } from './start-telemetry.js';
import type { Telemetry } from './telemetry.js';

/** What a service's own process is made of before the service itself is. */
export interface ServiceProcess<C> {
  readonly config: C;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly health: Health;
  readonly lifecycle: Lifecycle;
  /** Undefined where nothing is traced. */
  readonly telemetry: Telemetry | undefined;
  /** Told after each named step; absent in earnest, so that the hot path calls nothing. */
  readonly onStep: ((step: string) => void) | undefined;
  /** The service cannot go on: everything is closed and the process ends with 1. */
  onFatal(error: unknown): void;
}

export interface ServiceDefinition<S extends TObject> {
  readonly name: string;
  readonly schema: S;
  /** Steps of its loop, after any of which a test may kill it (`CRASH_AT`). */
  readonly steps: readonly string[];
  /** Fails with `config_invalid` for what the schema cannot say. */
  check(config: Static<S>): void;
  /** Everything is closed by then, or the process ends all the same. */
  deadlineMs(config: Static<S>): number;
  /** Starts the service; every resource registers its close. */
  run(process: ServiceProcess<Static<S>>): Promise<void>;
}

/** The whole of a service's `main.ts`: configuration → start → until a signal or a fatal error. */
export async function runService<S extends TObject>(
  definition: ServiceDefinition<S>,
): Promise<void> {
  const { name } = definition;
  const config = configuration(definition);
  if (config === undefined) return;
  const logger = createLogger({ service: name });
  const lifecycle = createLifecycle({ logger, deadlineMs: definition.deadlineMs(config) });
  const end = (reason: string) => void lifecycle.close(reason).then(() => process.exit(1));
  handleSignals(lifecycle);
  const metrics = createMetrics({ service: name, isProcessMeasured: true });
  const health = createHealth();
  const onFatal = (error: unknown): void => {
    logger.fatal({ err: error }, `${name} cannot go on`);
    end('fatal');
  };
  try {
    const telemetry = await startTelemetry({ service: name, environment: processEnvironment() });
    if (telemetry !== undefined) lifecycle.onClose('telemetry', telemetry.close);
    const onStep = onStepOf(definition);
    const made = { config, logger, metrics, health, lifecycle, telemetry };
    await definition.run({ ...made, onStep, onFatal });
  } catch (error) {
    // A signal while it was starting: what was begun is being closed already.
    if (lifecycle.signal.aborted) return;
    logger.fatal({ err: error }, `${name} did not start`);
    end('did not start');
  }
}

function onStepOf({ name, steps }: Pick<ServiceDefinition<TObject>, 'name' | 'steps'>) {
  const named = steps.map((step) => `${name}.${step}`);
  const onStep = crashPoint(processEnvironment().CRASH_AT, named);
  return onStep && ((step: string) => onStep(name, step));
}

/** Undefined where the command line asked for something else, or the configuration is wrong. */
function configuration<S extends TObject>({
  schema,
  check,
}: ServiceDefinition<S>): Static<S> | undefined {
  try {
    const outcome = configCommand(schema, {
      argv: process.argv.slice(2),
      env: processEnvironment(),
      write: (line) => void process.stdout.write(`${line}\n`),
      check,
    });
    if (outcome.action === 'run') return outcome.config;
    process.exitCode = outcome.exitCode;
  } catch (error) {
    if (!hasCode(error, 'config_invalid')) throw error;
    process.stderr.write(`${(error as Error).message}\n`);
    process.exitCode = 1;
  }
  return undefined;
}

type Serving = Pick<ServiceProcess<unknown>, 'logger' | 'health' | 'metrics' | 'lifecycle'>;

/** `/livez`, `/readyz` and `/metrics` from the first moment on, for a service without other HTTP. */
export async function serveOperations(serving: Serving, address: ListenOptions): Promise<string> {
  const app = operationsApp(serving);
  const origin = await listen(app, address);
  serving.lifecycle.onClose('operations', () => app.close());
  return origin;
}

/**
 * The same at the address that the service itself will have, while it cannot begin yet: who asks
 * hears that it waits, and for what. The returned function makes room for the service.
 */
export async function openWaitingRoom(
  serving: Serving,
  address: ListenOptions,
): Promise<() => Promise<void>> {
  // Nobody could know an address that is drawn anew a moment later.
  if (address.port === 0) return async () => undefined;
  const app = operationsApp(serving);
  await listen(app, address);
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closed ??= app.close();
    return closed;
  };
  serving.lifecycle.onClose('waiting room', close);
  return close;
}

function operationsApp({ logger, health, metrics }: Serving): FastifyInstance {
  const app = createHttp({ logger, fastify: { forceCloseConnections: true } });
  registerOperations(app, { health, metrics });
  return app;
}
