import type { Caused } from '@paycrawl/fold/fold';
import type { Runtime } from '@paycrawl/fold/runtime';
import {
  createFoldInstruments,
  type FoldInstruments,
} from '@paycrawl/service-kit/fold-instruments';
import type { Metrics } from '@paycrawl/service-kit/metrics';
import type { Telemetry } from '@paycrawl/service-kit/telemetry';
import type { AdmissionOutput } from './admission/state.js';
import type { FundsWatcher } from './funds/watcher.js';

export interface Instruments extends Pick<FoldInstruments, 'restarted' | 'watch'> {
  /** After each batch that was folded. */
  decided(outputs: readonly Caused<AdmissionOutput>[]): void;
  fundsObserved(payers: number, tookMs: number): void;
  fundsFailed(): void;
  verified(isValid: boolean): void;
  readonly settlements: { inc(labels: { answer: string }): void };
}

export interface InstrumentsOptions {
  readonly metrics: Metrics;
  readonly telemetry?: Telemetry | undefined;
  clock(): number;
}

/** What is counted: decisions are counted again when they are folded again. */
export function createInstruments(options: InstrumentsOptions): Instruments {
  const { metrics, clock } = options;
  const fold = createFoldInstruments({ fold: 'verifier', ...options });
  const decisions = countDecisions(metrics);
  const holds = trackHolds(metrics);
  const admission = metrics.histogram({
    name: 'paycrawl_verifier_admission_seconds',
    help: 'From the append time of a proof (or of the funds it waited for) to its decision',
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
  const verifications = metrics.tally({
    name: 'paycrawl_facilitator_verifications_total',
    help: 'Answers of POST /verify',
    labels: ['valid'],
  });
  return {
    decided: (outputs) => {
      const nowMs = clock();
      for (const { output, nowMs: appendedMs } of outputs) {
        decisions.count(output);
        holds.note(output);
        if (output.type !== 'PaymentAccepted' && output.type !== 'PaymentRejected') continue;
        admission.observe(Math.max(0, nowMs - appendedMs) / 1000);
      }
      fold.folded(outputs);
    },
    fundsObserved: (payers, tookMs) => {
      observed.inc(payers);
      seconds.observe(tookMs / 1000);
    },
    fundsFailed: () => failed.inc(),
    restarted: fold.restarted,
    watch: fold.watch,
    verified: (isValid) => verifications.count(isValid ? 'true' : 'false'),
    settlements: metrics.counter({
      name: 'paycrawl_facilitator_settlements_total',
      help: 'Answers of POST /settle: success or the reason',
      labels: ['answer'],
    }),
  };
}

function countDecisions(metrics: Metrics) {
  const tally = metrics.tally({
    name: 'paycrawl_verifier_decisions_total',
    help: 'Decisions and other outputs of admission, by type and, for refusals, code',
    labels: ['type', 'code'],
    labelsOf: (key) => {
      const [type = '', code = ''] = key.split('/');
      return { type, code };
    },
  });
  return {
    count(output: AdmissionOutput): void {
      const isRefusal = output.type === 'PaymentRejected';
      tally.count(isRefusal ? `PaymentRejected/${output.data.code}` : output.type);
    },
  };
}

/** Holds are counted by their ends, so a repetition changes nothing. */
function trackHolds(metrics: Metrics) {
  const open = new Set<string>();
  metrics.gauge({
    name: 'paycrawl_verifier_holds_open',
    help: 'Holds that were opened since this process owns their partition and have not ended',
    collect: (gauge) => gauge.set(open.size),
  });
  return {
    note({ type, data }: AdmissionOutput): void {
      switch (type) {
        case 'PaymentAccepted':
          open.add(data.chargeId);
          return;
        case 'ChargePosted':
        case 'HoldReleased':
        case 'LossPosted':
          open.delete(data.chargeId);
          return;
        default:
          return; // neither opens nor ends a hold
      }
    },
  };
}

/** Gauges that are read when they are scraped. */
export function measure(
  instruments: Instruments,
  metrics: Metrics,
  { runtime, watcher, clock }: { runtime: Runtime; watcher: FundsWatcher; clock(): number },
): void {
  instruments.watch(runtime.standing);
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
