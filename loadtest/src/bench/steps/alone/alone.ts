import { type ChildProcess, fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ensureTokens } from '@paycrawl/analytics/access/tokens';
import { fail } from '@paycrawl/errors/paycrawl-error';
import type { EventLog } from '@paycrawl/event-log/event-log';
import { openLmdbLog } from '@paycrawl/event-log/lmdb-log';
import { topicConfigs } from '@paycrawl/events/topics';
import { loadSigners } from '@paycrawl/settlement/signers';
import { childEnvironment } from '@paycrawl/standalone/config';
import { signerGasWei } from '@paycrawl/standalone/devnet-setup';
import { type Devnet, startDevnet } from '@paycrawl/testkit/devnet';
import { settlesFast } from '../../bench-platform.js';
import { cpuOf, firstThreadUs } from '../../process-cpu.js';
import { told } from '../child.js';
import type { AloneOrder, AloneService } from './alone-main.js';

/** A service that runs by itself over a log of its own, on a devnet of its own. */
export interface Alone {
  readonly log: EventLog;
  readonly devnet: Devnet;
  readonly address: string;
  used(): Promise<Used>;
  /** Resolves when it has folded all that is in its log, and what it owes to the chain is there. */
  atRest(): Promise<void>;
}

/** Processor time since it began, in µs. */
export interface Used {
  /** Of the whole process. */
  readonly us: number;
  /** Part of it: all threads but the one that runs the JavaScript. */
  readonly helpersUs: number;
  /** Pauses of that one for the collector. */
  readonly pausesUs: number;
}

const partitions = 2;
const retentionMs = 24 * 3600 * 1000;
const patienceMs = 120_000;
const pauseMs = 100;
const program = fileURLToPath(new URL('./alone-main.js', import.meta.url));
/** As the platform has them. */
const flags = ['--max-semi-space-size=64'];
const busy = [
  /^paycrawl_fold_lag_records\{[^}]*\} (\d+)$/gm,
  /^paycrawl_settlement_(?:queue_charges|batches_in_flight)\{[^}]*\} (\d+)$/gm,
];

const pauses = /^nodejs_gc_duration_seconds_sum\{[^}]*\} (\S+)$/gm;

export interface AlonePlace {
  readonly log: EventLog;
  readonly devnet: Devnet;
}

/** `prepare` may write to the log before the service starts. */
export async function withServiceAlone<Result>(
  service: AloneService,
  prepare: (place: AlonePlace) => Promise<void>,
  work: (alone: Alone) => Promise<Result>,
): Promise<Result> {
  const dataDir = await mkdtemp(join(tmpdir(), 'paycrawl-alone-'));
  const devnet = await startDevnet({ directory: join(dataDir, 'devnet') });
  const log = openLmdbLog({ directory: join(dataDir, 'log') });
  let child: ChildProcess | undefined;
  try {
    await log.createTopics(topicConfigs({ payer: partitions, publisher: partitions }, retentionMs));
    const secrets = join(dataDir, 'secrets');
    await ensureTokens(secrets, []);
    for (const { address } of await loadSigners(secrets, partitions)) {
      await devnet.setEth(address, signerGasWei);
    }
    await prepare({ log, devnet });
    const premises = {
      ...{ dataDir, partitions, rpcUrl: devnet.rpcUrl, chainId: devnet.chainId },
      ...{ logLevel: 'warn', crashAt: undefined },
    };
    const order = JSON.stringify({ service, premises } satisfies AloneOrder);
    const env = { ...childEnvironment(), ...settlesFast };
    child = fork(program, [order], { execArgv: flags, env });
    const running = child;
    const { address } = await told<{ readonly address: string }>(running);
    const used = () => usedBy(running);
    return await work({ log, devnet, address, used, atRest: () => atRest(running) });
  } finally {
    child?.disconnect();
    await ended(child);
    await log.close();
    await devnet.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function usedBy(child: ChildProcess): Promise<Used> {
  const pid = child.pid ?? 0;
  const text = await metricsOf(child);
  const sums = [...text.matchAll(pauses)].map(([, seconds]) => Number(seconds));
  const us = cpuOf([{ name: 'alone', pid }]).get('alone') ?? 0;
  const pausesUs = 1e6 * sums.reduce((sum, one) => sum + one, 0);
  return { us, helpersUs: us - firstThreadUs(pid), pausesUs };
}

function metricsOf(child: ChildProcess): Promise<string> {
  child.send('metrics');
  return told<string>(child);
}

async function atRest(child: ChildProcess): Promise<void> {
  const untilMs = performance.now() + patienceMs;
  for (;;) {
    const text = await metricsOf(child);
    const gauges = busy.flatMap((gauge) => [...text.matchAll(gauge)].map(([, value]) => value));
    if (gauges.every((value) => value === '0')) return;
    if (performance.now() > untilMs) throw fail('bench_failed', 'A service alone does not rest.');
    await delay(pauseMs);
  }
}

function ended(child: ChildProcess | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once('exit', () => resolve());
  });
}
