import { randomInt } from 'node:crypto';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fail } from '@paycrawl/errors/paycrawl-error';
import type { EventLog } from '@paycrawl/event-log/event-log';
import { decodeEvent } from '@paycrawl/events/event';
import { physicalTopic } from '@paycrawl/events/topics';
import { openStore, type Store } from '@paycrawl/fold/store';
import { freePorts } from '@paycrawl/standalone/processes/free-ports';
import { type RunningService, startService } from '@paycrawl/standalone/processes/start-service';
import { memoryOf, type ProcessMemory } from '../process-memory.js';
import { appendProof } from './append-payers.js';

export interface VerifierHome {
  readonly dataDir: string;
  readonly rpcUrl: string;
  readonly partitions: number;
  readonly log: EventLog;
}

/** One start of a verifier, from the spawn of its process on. */
export interface VerifierStart {
  readonly process: RunningService;
  readonly origin: string;
  /** Until `/readyz` said ok. */
  readonly readyMs: number;
  /** Until a proof that came before the start was decided, in every partition. */
  readonly decidedMs: number | undefined;
  readonly memory: ProcessMemory | undefined;
}

const instance = 'verifier-1';
const readyTimeoutMs = 300_000;
const decidedTimeoutMs = 300_000;
const pollMs = 10;

/** Starts it; `samples` are known payers, of whom each presents one more proof beforehand. */
export async function startVerifierOf(
  home: VerifierHome,
  samples: readonly string[] = [],
): Promise<VerifierStart> {
  const { dataDir, rpcUrl, log, partitions } = home;
  const [port = 0] = await freePorts(1);
  const origin = `http://127.0.0.1:${port}`;
  const from = await endsOf(log, samples.length);
  const asked = await Promise.all(
    samples.map((sample) => appendProof(log, { from: sample, partitions, i: randomInt(2 ** 40) })),
  );
  const startedMs = performance.now();
  const process = await startService({
    ...{ service: 'verifier', instance, readyUrl: `${origin}/readyz` },
    logFile: join(dataDir, 'verifier.log'),
    environment: {
      ...{ EVENT_LOG: 'lmdb', DATA_DIR: dataDir, INSTANCE_ID: instance, LOG_LEVEL: 'warn' },
      ...{ CHAIN_RPC_URL: rpcUrl, FACILITATOR_PORT: String(port) },
    },
  });
  const decided = whenDecided(log, from, asked).then(() => performance.now() - startedMs);
  // Awaited below; a failure meanwhile is no unhandled one.
  decided.catch(() => undefined);
  await process.ready(readyTimeoutMs);
  const readyMs = performance.now() - startedMs;
  const decidedMs = samples.length === 0 ? undefined : await decided;
  return { process, origin, readyMs, decidedMs, memory: memoryOf(process.pid) };
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

async function endsOf(log: EventLog, partitions: number): Promise<number[]> {
  const topic = physicalTopic('decisions');
  const ends = Array.from({ length: partitions }, (_, partition) =>
    log.offsets({ topic, partition }),
  );
  return (await Promise.all(ends)).map(({ next }) => next);
}

/** Every request was accepted: a payer that was forgotten would be asked about first, or refused. */
async function whenDecided(
  log: EventLog,
  from: readonly number[],
  asked: readonly string[],
): Promise<void> {
  const deadlineMs = performance.now() + decidedTimeoutMs;
  await Promise.all(
    asked.map(async (requestId, partition) => {
      const source = { topic: physicalTopic('decisions'), partition };
      for (let offset = from[partition] ?? 0; ; ) {
        const records = await log.read(source, offset, 100);
        for (const { value } of records) {
          const read = decodeEvent(value);
          if (read.kind !== 'event' || read.event.type !== 'PaymentAccepted') continue;
          if (read.event.data.requestId === requestId) return;
        }
        offset = (records.at(-1)?.offset ?? offset - 1) + 1;
        if (performance.now() > deadlineMs) throw fail('bench_failed', 'A proof is not accepted.');
        if (records.length === 0) await new Promise((resolve) => setTimeout(resolve, pollMs));
      }
    }),
  );
}
