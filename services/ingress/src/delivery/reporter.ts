import type { AnyEvent } from '@paycrawl/events/event';
import type { Appender } from '../log/appender.js';

/** Writes outcomes into the payer's partition. */
export interface Reporter {
  /** Resolves when durable; fails like the log. */
  report(payer: string, event: AnyEvent): Promise<void>;
  /** For what happened already and cannot be taken back: tried again until it is durable. */
  reportEventually(payer: string, event: AnyEvent): void;
  /** Outcomes that are not durable yet. */
  pending(): number;
  /** Waits for them, within the deadline of whoever closes. */
  close(): Promise<void>;
}

export interface ReporterOptions {
  readonly appender: Appender;
  /** Above it the oldest way out is taken: the outcome is given up, counted and logged. */
  readonly pendingMax: number;
  readonly retryIntervalMs: number;
  readonly retriesMax: number;
  readonly onGivenUp: (event: AnyEvent, error: unknown) => void;
}

export function createReporter(options: ReporterOptions): Reporter {
  const pending = new Set<Promise<void>>();
  return {
    report: (payer, event) => options.appender.append([{ topic: 'payments', key: payer, event }]),
    reportEventually(payer, event) {
      if (pending.size >= options.pendingMax) return options.onGivenUp(event, 'queue full');
      const work: Promise<void> = persist(options, payer, event).finally(() => {
        pending.delete(work);
      });
      pending.add(work);
    },
    pending: () => pending.size,
    async close() {
      await Promise.all(pending);
    },
  };
}

async function persist(options: ReporterOptions, payer: string, event: AnyEvent): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await options.appender.append([{ topic: 'payments', key: payer, event }]);
    } catch (error) {
      if (attempt > options.retriesMax) return options.onGivenUp(event, error);
      await pause(options.retryIntervalMs);
    }
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
