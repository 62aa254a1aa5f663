import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { niceOf } from '../priority.js';
import { type OwnProcess, type ProcessEnding, spawnProcess, whenReady } from './own-process.js';

/** A service as a process of its own: `services/<name>/dist/main.js`, configured by environment. */
export type ServiceName = 'ingress' | 'verifier' | 'metering' | 'settlement' | 'analytics';

export interface ServiceSpec {
  readonly service: ServiceName;
  /** Names this instance in messages; a service may have several. */
  readonly instance: string;
  /** The whole of it: nothing is inherited but where programs and temporary files are. */
  readonly environment: Readonly<Record<string, string>>;
  /** Standard output and errors are appended here. */
  readonly logFile: string;
  /** Its `/readyz`. */
  readonly readyUrl: string;
}

export interface RunningService extends OwnProcess {
  readonly instance: string;
  /** Waits until `/readyz` says ok; fails with `process_failed` when it ended or takes too long. */
  ready(timeoutMs?: number): Promise<void>;
  /** What it has logged so far. */
  log(): Promise<string>;
}

export type ServiceEnding = ProcessEnding;

const readyTimeoutMsDefault = 60_000;
/** As the orchestrators do it: then SIGKILL. */
const stopGraceMs = 30_000;

/** Does not wait for it to be ready: ask for that, so that several may start at once. */
export async function startService(spec: ServiceSpec): Promise<RunningService> {
  const { service, instance, environment, logFile, readyUrl } = spec;
  const own = await spawnProcess({
    ...{ name: instance, environment, logFile, stopGraceMs, isDetached: false },
    command: ['node', '--max-semi-space-size=64', programOf(service)],
    nice: niceOf(service),
  });
  return {
    ...{ ...own, instance },
    ready: (timeoutMs = readyTimeoutMsDefault) =>
      whenReady(own, { name: instance, readyUrl, logFile, timeoutMs }),
    log: () => readFile(logFile, 'utf8'),
  };
}

/** The built program, also when this file is run from its source by the test runner. */
function programOf(service: ServiceName): string {
  return fileURLToPath(new URL(`../../../${service}/dist/main.js`, import.meta.url));
}
