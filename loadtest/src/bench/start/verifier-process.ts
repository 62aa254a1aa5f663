import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { EventLog } from '@paycrawl/event-log/event-log';
import { openStore, type Store } from '@paycrawl/fold/store';
import { freePorts } from '@paycrawl/standalone/processes/free-ports';
import { type RunningService, startService } from '@paycrawl/standalone/processes/start-service';
import { memoryOf, type ProcessMemory } from '../process-memory.js';
import { appendProbes } from './decided.js';

export interface VerifierHome {
  readonly dataDir: string;
  readonly rpcUrl: string;
  readonly partitions: number;
  readonly log: EventLog;
}

/** One start, from the spawn of the process on. */
export interface StartTimes {
  /** Until it said that it is ready. */
  readonly readyMs: number;
  /** Until a proof that came before the start was accepted, in every partition. */
  readonly decidedMs: number | undefined;
  readonly memory: ProcessMemory | undefined;
}

export interface VerifierStart extends StartTimes {
  readonly process: RunningService;
  readonly origin: string;
}

const instance = 'verifier-1';
const readyTimeoutMs = 300_000;

/** Starts it; `samples` are known payers, of whom each presents one more proof beforehand. */
export async function startVerifierOf(
  { dataDir, rpcUrl, log }: VerifierHome,
  samples: readonly string[] = [],
): Promise<VerifierStart> {
  const [port = 0] = await freePorts(1);
  const origin = `http://127.0.0.1:${port}`;
  const begin = async () => {
    const process = await startService({
      ...{ service: 'verifier', instance, readyUrl: `${origin}/readyz` },
      logFile: join(dataDir, 'verifier.log'),
      environment: {
        ...{ EVENT_LOG: 'lmdb', DATA_DIR: dataDir, INSTANCE_ID: instance, LOG_LEVEL: 'warn' },
        ...{ CHAIN_RPC_URL: rpcUrl, FACILITATOR_PORT: String(port) },
      },
    });
    await process.ready(readyTimeoutMs);
    return process;
  };
  const { started: process, ...times } = await timeStart(log, samples, begin);
  return { process, origin, ...times };
}

/** `begin` resolves when what it started says that it is ready. */
export async function timeStart<Started extends { readonly pid: number }>(
  log: EventLog,
  samples: readonly string[],
  begin: () => Promise<Started>,
): Promise<StartTimes & { readonly started: Started }> {
  const probes = await appendProbes(log, samples);
  const startedMs = performance.now();
  const decided = probes.decided().then(() => performance.now() - startedMs);
  // Awaited below; a failure meanwhile is no unhandled one.
  decided.catch(() => undefined);
  const started = await begin();
  const readyMs = performance.now() - startedMs;
  const decidedMs = samples.length === 0 ? undefined : await decided;
  return { started, readyMs, decidedMs, memory: memoryOf(started.pid) };
}

/** As on a machine that never ran it: no stores, the snapshots in the log alone. */
export function removeStores({ dataDir }: VerifierHome): Promise<void> {
  return rm(join(dataDir, 'verifier', instance), { recursive: true, force: true });
}

/** The store of a partition, of a verifier that does not run. */
export function storeOf({ dataDir }: VerifierHome, partition: number): Store {
  return openStore(storeFolder(dataDir, partition));
}

export async function storeBytes({ dataDir, partitions }: VerifierHome): Promise<number> {
  let bytes = 0;
  for (let partition = 0; partition < partitions; partition++) {
    const { blocks } = await stat(join(storeFolder(dataDir, partition), 'data.mdb'));
    bytes += blocks * 512;
  }
  return bytes;
}

function storeFolder(dataDir: string, partition: number): string {
  return join(dataDir, 'verifier', instance, String(partition));
}
