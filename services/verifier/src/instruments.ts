import type { Caused } from '@paycrawl/fold/fold';
import type { Runtime } from '@paycrawl/fold/runtime';
import type { Metrics } from '@paycrawl/service-kit/metrics';
import type { AdmissionOutput } from './admission/state.js';
import type { FundsWatcher } from './funds/watcher.js';

export interface Instruments {
  decided(outputs: readonly Caused<AdmissionOutput>[]): void;
  fundsObserved(payers: number, tookMs: number): void;
  fundsFailed(): void;
  restarted(): void;
  readonly verifications: { inc(labels: { valid: string }): void };
  readonly settlements: { inc(labels: { answer: string }): void };
}

/** What is counted: decisions are counted again when they are folded again. */
export function createInstruments(metrics: Metrics): Instruments {
  const decisions = metrics.counter({
    name: 'paycrawl_verifier_decisions_total',
    help: 'Decisions and other outputs of admission, by type and, for refusals, code',
    labels: ['type', 'code'],
  });
  const observed = metrics.counter({
    name: 'paycrawl_verifier_funds_observed_total',
    help: 'Payers whose funds were observed',
  });
  const failed = metrics.counter({
    name: 'paycrawl_verifier_funds_failures_total',
    help: 'Batches of observations that the chain or the log did not take',
  });
  const seconds = metrics.histogram({
    name: 'paycrawl_verifier_funds_seconds',
    help: 'From the question to the durable observation',
  });
  const restarts = metrics.counter({
    name: 'paycrawl_verifier_restarts_total',
    help: 'Times that admission folded again from its last durable position',
  });
  return {
    decided: (outputs) => {
      for (const { output } of outputs) {
        const code = output.type === 'PaymentRejected' ? output.data.code : '';
        decisions.inc({ type: output.type, code });
      }
    },
    fundsObserved: (payers, tookMs) => {
      observed.inc(payers);
      seconds.observe(tookMs / 1000);
    },
    fundsFailed: () => failed.inc(),
    restarted: () => restarts.inc(),
    verifications: metrics.counter({
      name: 'paycrawl_facilitator_verifications_total',
      help: 'Answers of POST /verify',
      labels: ['valid'],
    }),
    settlements: metrics.counter({
      name: 'paycrawl_facilitator_settlements_total',
      help: 'Answers of POST /settle: success or the reason',
      labels: ['answer'],
    }),
  };
}

/** Gauges that are read when they are scraped. */
export function measure(
  metrics: Metrics,
  { runtime, watcher, clock }: { runtime: Runtime; watcher: FundsWatcher; clock(): number },
): void {
  metrics.gauge({
    name: 'paycrawl_verifier_lag_records',
    help: 'Records of payments that are not yet in the durable state',
    labels: ['partition'],
    collect: async (gauge) => {
      gauge.reset();
      for (const { partition, storedOffset, logNextOffset } of await runtime.progress()) {
        gauge.set({ partition: String(partition) }, logNextOffset - storedOffset);
      }
    },
  });
  metrics.gauge({
    name: 'paycrawl_verifier_funds_questions',
    help: 'Observations that are wanted and not yet made',
    collect: (gauge) => gauge.set(watcher.standing().questions),
  });
  metrics.gauge({
    name: 'paycrawl_verifier_funds_oldest_question_seconds',
    help: 'Age of the oldest of them',
    collect: (gauge) => {
      const { oldestSinceMs } = watcher.standing();
      gauge.set(oldestSinceMs === undefined ? 0 : (clock() - oldestSinceMs) / 1000);
    },
  });
}
