import { setTimeout as pause } from 'node:timers/promises';
import { catalogue } from '@paycrawl/errors/catalogue';
import { fail, PaycrawlError } from '@paycrawl/errors/paycrawl-error';
import { physicalTopic, topicConfigs } from '@paycrawl/events/topics';
import type { EventLog } from './event-log.js';
import { enterGeneration, readGeneration, watchGeneration } from './generation.js';
import { isRefusal } from './refusal.js';

/**
 * Services are started in any order, and a broker, or the job that makes the topics, may take its
 * time: nobody has to be started again for that.
 */
export interface LogGate {
  /** Waits until the log answers and has every topic. */
  pass(options: LogGateOptions): Promise<void>;
  /** Fails while the log cannot be used, with the reason: for `/readyz`. */
  check(): Promise<void>;
}

export interface LogGateOptions {
  /** Aborted when nobody waits any more. */
  readonly signal: AbortSignal;
  /** Told each time that the reason changes. */
  onWaiting(reason: string): void;
  /** A newer generation of topics was opened: this process must end, and be started again. */
  onSuperseded(error: unknown): void;
}

const askAgainMs = 500;

export function createLogGate(log: EventLog): LogGate {
  let reason: string | undefined = 'the log was not asked yet';
  return {
    async pass({ signal, onWaiting, onSuperseded }) {
      for (;;) {
        const before = reason;
        reason = await whatIsMissing(log);
        if (reason === undefined) return endWhenSuperseded(log, signal, onSuperseded);
        if (reason !== before) onWaiting(reason);
        await pause(askAgainMs, undefined, { signal }).catch(() => undefined);
        if (signal.aborted) throw fail('log_closed', 'Closed while the log was waited for.');
      }
    },
    async check() {
      if (reason !== undefined) throw fail('log_unavailable', `Waiting: ${reason}.`);
      await log.offsets({ topic: physicalTopic('registry'), partition: 0 });
    },
  };
}

async function endWhenSuperseded(
  log: EventLog,
  signal: AbortSignal,
  end: (error: unknown) => void,
): Promise<void> {
  const tail = await watchGeneration(log, await readGeneration(log), end);
  signal.addEventListener('abort', () => void tail.close().catch(() => undefined));
}

async function whatIsMissing(log: EventLog): Promise<string | undefined> {
  try {
    await enterGeneration(log);
    // Only the names count here.
    const wanted = topicConfigs({ payer: 1, publisher: 1 }, 1).map(({ name }) => name);
    const present = new Set((await log.topics()).map(({ name }) => name));
    const missing = wanted.filter((name) => !present.has(name));
    return missing.length === 0 ? undefined : `the log has no ${missing.join(', ')}`;
  } catch (error) {
    // A setting is corrected, or a user made at the brokers, while this process waits.
    if (isRefusal(error)) return `${error.message} ${catalogue[error.code].next}`;
    if (!(error instanceof PaycrawlError) || error.code !== 'log_unavailable') throw error;
    return `the log does not answer: ${error.detail}`;
  }
}
