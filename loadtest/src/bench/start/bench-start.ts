import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fail } from '@paycrawl/errors/paycrawl-error';
import type { EventLog } from '@paycrawl/event-log/event-log';
import { openLmdbLog } from '@paycrawl/event-log/lmdb-log';
import { topicConfigs } from '@paycrawl/events/topics';
import { startDevnet } from '@paycrawl/testkit/devnet';
import { whenFolded } from '../when-folded.js';
import { appendPayers } from './append-payers.js';
import { benchPlatformStart } from './platform-start.js';
import { type HeapFigures, measureHeap, type StoredKind, storedKinds } from './state-size.js';
import {
  removeStores,
  type StartTimes,
  startVerifierOf,
  storeBytes,
  storeOf,
  type VerifierHome,
  type VerifierStart,
} from './verifier-process.js';

export interface StartOptions {
  readonly payers: number;
  /** Open holds of further payers, beside them. */
  readonly holds: number;
  /** The whole platform with as many payers as well. */
  readonly isPlatformToo: boolean;
  note(what: string): void;
}

export interface NamedStart extends StartTimes {
  readonly what: string;
}

export interface StartFigures {
  readonly payers: number;
  readonly holds: number;
  readonly starts: readonly NamedStart[];
  /** From the first record in the log until all of them were folded and stored. */
  readonly foldedS: number;
  /** SIGTERM to the end; a snapshot of everything is written meanwhile. */
  readonly stoppedMs: number;
  readonly stored: readonly StoredKind[];
  readonly storeBytes: number;
  readonly heap: HeapFigures;
}

const partitions = 2;
const retentionMs = 24 * 3600 * 1000;
const foldedPatienceMs = 1_800_000;

/**
 * A verifier that knows many payers, each with one charge that is not settled: made by its own
 * process from records in its log, then stopped, killed, moved, and started again each time.
 */
export async function benchStart(options: StartOptions): Promise<StartFigures> {
  // Before anything else is in the heap of this process.
  const heap = measureHeap();
  const dataDir = await mkdtemp(join(tmpdir(), 'paycrawl-bench-start-'));
  const devnet = await startDevnet({ directory: join(dataDir, 'devnet') });
  const log = openLmdbLog({ directory: join(dataDir, 'log') });
  try {
    const counts = { payer: partitions, publisher: partitions };
    await log.createTopics(topicConfigs(counts, retentionMs));
    const home = { dataDir, rpcUrl: devnet.rpcUrl, partitions, log };
    const figures = await measure(home, options);
    const platform = options.isPlatformToo ? await benchPlatformStart(options) : [];
    return { heap, ...figures, starts: [...figures.starts, ...platform] };
  } finally {
    await log.close();
    await devnet.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function measure(
  home: VerifierHome,
  options: StartOptions,
): Promise<Omit<StartFigures, 'heap'>> {
  const { payers, holds, note } = options;
  note('a verifier that knows nobody');
  const first = await startVerifierOf(home);
  const starts: NamedStart[] = [{ ...timesOf(first), what: 'empty state' }];
  note(`${payers} payers, ${holds} open holds`);
  const startedMs = performance.now();
  const samples = await fold(home.log, first, options);
  const foldedS = (performance.now() - startedMs) / 1000;
  note('stop');
  const stoppingMs = performance.now();
  await stopped(first);
  const stoppedMs = performance.now() - stoppingMs;
  const stored = storedOf(home);
  requireState(stored, options);
  const bytes = await storeBytes(home);
  const again = async (what: string): Promise<VerifierStart> => {
    note(what);
    // Others each time: whose proof is decided is asked about, and the devnet knows of no money.
    const asking = samples.map((ofPartition) => ofPartition.pop() as string);
    const start = await startVerifierOf(home, asking);
    starts.push({ ...timesOf(start), what });
    return start;
  };
  await (await again('after an orderly stop')).process.kill();
  await stopped(await again('after kill -9'));
  await removeStores(home);
  await stopped(await again('on a new machine, from the snapshot'));
  requireState(storedOf(home), options);
  return { payers, holds, starts, foldedS, stoppedMs, stored, storeBytes: bytes };
}

async function fold(
  log: EventLog,
  { origin }: VerifierStart,
  { payers, holds }: StartOptions,
): Promise<string[][]> {
  const samples = await appendPayers(log, { payers, partitions, standing: 'charged' });
  await appendPayers(log, { payers: holds, partitions, standing: 'held' });
  await whenFolded(origin, foldedPatienceMs);
  return samples;
}

async function stopped({ process }: VerifierStart): Promise<void> {
  const { code, signal } = await process.stop();
  if (code !== 0) throw fail('bench_failed', `The verifier ended with ${code ?? signal}.`);
}

function timesOf({ readyMs, decidedMs, memory }: VerifierStart): StartTimes {
  return { readyMs, decidedMs, memory };
}

function storedOf(home: VerifierHome): StoredKind[] {
  const stores = Array.from({ length: partitions }, (_, partition) => storeOf(home, partition));
  try {
    return storedKinds(stores);
  } finally {
    for (const store of stores) void store.close();
  }
}

/** A start is quick where nothing was kept: everybody must be there. */
function requireState(stored: readonly StoredKind[], { payers, holds }: StartOptions): void {
  const countOf = (kind: string) => stored.find((one) => one.kind === kind)?.count ?? 0;
  const accounts = countOf('account');
  const charged = countOf('nonce, charged');
  if (accounts === payers + holds && charged === payers) return;
  throw fail('bench_failed', `${accounts} accounts and ${charged} charges are in the stores.`);
}
