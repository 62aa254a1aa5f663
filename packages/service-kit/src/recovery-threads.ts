import { Worker } from 'node:worker_threads';
import { isAddress } from '@paycrawl/crypto/address';
import { type Recover, type Recovery, recoverAddress } from '@paycrawl/crypto/recover';
import { fail } from '@paycrawl/errors/paycrawl-error';

/**
 * Recovery of signers beside the event loop. What one turn of the loop asks is handed over at its
 * end in one go, so a recovery costs the loop a few microseconds in place of fifty. Threads only
 * make it quicker: where there is none, where it ended, or where enough waits for it, the loop
 * recovers by itself, and every question has one answer.
 */
export interface Recoveries {
  readonly recover: Recover;
  /** Asked and not answered; at most `waitingMax` of each thread. */
  waiting(): number;
  /** Share of the time since the last call in which the busiest thread was not idle. */
  busyShare(): number;
  /** Throws while a thread is missing. */
  assertComplete(): void;
  close(): Promise<void>;
}

export interface RecoveryThreadsOptions {
  /** 0: on the loop itself. */
  readonly threads: number;
  /** A thread ended by itself; another one is started. */
  readonly onFailure: (error: unknown) => void;
  /** Tests get at the threads so, to end them. */
  readonly startThread?: () => Worker;
}

/** All on the loop, for whoever has no threads. */
export const recoveriesOnLoop: Recoveries = {
  recover: recoverAddress,
  waiting: () => 0,
  busyShare: () => 0,
  assertComplete: () => undefined,
  close: async () => undefined,
};

interface Question {
  readonly digest: Uint8Array;
  readonly signature: Uint8Array;
  readonly answer: (recovery: Recovery) => void;
}

/** One thread, and what it was asked. */
interface Lane {
  readonly worker: Worker;
  /** Since the last turn of the loop. */
  asked: Question[];
  /** In the order of their answers. */
  readonly handedOver: Question[][];
  waiting: number;
  lastUtilization: ReturnType<Worker['performance']['eventLoopUtilization']>;
}

interface Threads {
  readonly options: RecoveryThreadsOptions;
  /** Those that are ready. */
  readonly lanes: Lane[];
  isClosing: boolean;
}

/** A thread has enough to do with them while the loop reads the next ones, and does the rest. */
export const waitingMax = 64;
/** The loop goes on with these while the thread recovers the next. */
const groupMax = 16;
/** To wake two threads costs more: whoever waits for one recovery may as well do it. */
const ownMax = 1;
const restartAfterMs = 1_000;
const digestBytes = 32;
const signatureBytes = 65;

/** Resolves when all threads are ready. */
export async function startRecoveryThreads(options: RecoveryThreadsOptions): Promise<Recoveries> {
  if (options.threads === 0) return recoveriesOnLoop;
  const threads: Threads = { options, lanes: [], isClosing: false };
  const { lanes } = threads;
  await Promise.all(Array.from({ length: options.threads }, () => startLane(threads)));
  return {
    recover: (digest, signature) => ask(lanes, digest, signature),
    waiting: () => lanes.reduce((sum, { waiting }) => sum + waiting, 0),
    busyShare: () => Math.max(0, ...lanes.map(busyShare)),
    assertComplete() {
      if (lanes.length === options.threads) return;
      throw fail('recovery_thread_failed', 'Signers are recovered on the event loop.');
    },
    async close() {
      threads.isClosing = true;
      await Promise.all(lanes.map(({ worker }) => worker.terminate()));
    },
  };
}

export function startRecoveryThread(): Worker {
  const url = new URL('./recovery-worker.js', import.meta.url);
  // Without what this process was started with: tests read sources, a thread the build.
  return new Worker(url, { execArgv: [] });
}

function startLane(threads: Threads): Promise<void> {
  const { options, lanes } = threads;
  const worker = (options.startThread ?? startRecoveryThread)();
  const lastUtilization = worker.performance.eventLoopUtilization();
  const lane: Lane = { worker, asked: [], handedOver: [], waiting: 0, lastUtilization };
  let cause: unknown;
  worker.on('error', (error) => {
    cause = error;
  });
  return new Promise((resolve, reject) => {
    worker.once('message', () => {
      resolve();
      if (threads.isClosing) return void worker.terminate();
      worker.on('message', (answers: readonly string[]) => take(lane, answers));
      lanes.push(lane);
    });
    worker.once('exit', (exitCode) => {
      const detail = `A recovery thread ended with ${exitCode}.`;
      const error = fail('recovery_thread_failed', detail, { cause });
      const index = lanes.indexOf(lane);
      if (index < 0) return reject(error);
      lanes.splice(index, 1);
      for (const group of lane.handedOver.splice(0)) answerHere(lane, group);
      if (!threads.isClosing) startAgain(threads, error);
    });
  });
}

function startAgain(threads: Threads, error: unknown): void {
  threads.options.onFailure(error);
  setTimeout(() => {
    if (!threads.isClosing) startLane(threads).catch((again) => startAgain(threads, again));
  }, restartAfterMs).unref();
}

function ask(
  lanes: readonly Lane[],
  digest: Uint8Array,
  signature: Uint8Array,
): Recovery | Promise<Recovery> {
  const lane = emptiest(lanes);
  const fits = digest.length === digestBytes && signature.length === signatureBytes;
  if (lane === undefined || !fits || lane.waiting >= waitingMax) {
    return recoverAddress(digest, signature);
  }
  lane.waiting += 1;
  if (lane.asked.length === 0) setImmediate(handOver, lane);
  return new Promise((answer) => lane.asked.push({ digest, signature, answer }));
}

function emptiest(lanes: readonly Lane[]): Lane | undefined {
  let least = lanes[0];
  if (least === undefined || lanes.length === 1) return least;
  for (const lane of lanes) if (lane.waiting < least.waiting) least = lane;
  return least;
}

/** The end of a turn of the loop. */
function handOver(lane: Lane): void {
  const { worker, asked, handedOver } = lane;
  lane.asked = [];
  // One that has ended would never answer.
  const isGone = worker.threadId < 0;
  if (isGone || (asked.length <= ownMax && handedOver.length === 0)) {
    return answerHere(lane, asked);
  }
  for (let start = 0; start < asked.length; start += groupMax) {
    const group = asked.slice(start, start + groupMax);
    handedOver.push(group);
    worker.postMessage(bytesOf(group));
  }
}

function bytesOf(group: readonly Question[]): Uint8Array {
  const bytes = new Uint8Array(group.length * (digestBytes + signatureBytes));
  let at = 0;
  for (const { digest, signature } of group) {
    bytes.set(digest, at);
    bytes.set(signature, at + digestBytes);
    at += digestBytes + signatureBytes;
  }
  return bytes;
}

/** Of one group: addresses, or why there is none. */
function take(lane: Lane, answers: readonly string[]): void {
  const group = lane.handedOver.shift() ?? [];
  lane.waiting -= group.length;
  for (const [index, { answer }] of group.entries()) answer(recoveryOf(answers[index]));
}

function recoveryOf(answer: string | undefined): Recovery {
  if (isAddress(answer)) return { outcome: 'recovered', address: answer };
  return { outcome: 'refused', reason: answer as (Recovery & { outcome: 'refused' })['reason'] };
}

function answerHere(lane: Lane, group: readonly Question[]): void {
  lane.waiting -= group.length;
  for (const { digest, signature, answer } of group) answer(recoverAddress(digest, signature));
}

function busyShare(lane: Lane): number {
  const { performance } = lane.worker;
  const now = performance.eventLoopUtilization();
  const { utilization } = performance.eventLoopUtilization(now, lane.lastUtilization);
  lane.lastUtilization = now;
  return utilization;
}
