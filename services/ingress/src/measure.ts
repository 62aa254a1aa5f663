import type { Metrics } from '@paycrawl/service-kit/metrics';
import type { GateGauges, ShedReason } from './overload/gate.js';

/** Free requests are counted here and nowhere else; the rest is also in the log. */
export interface IngressMetrics {
  request(ruling: string): void;
  challenge(): void;
  proof(result: string): void;
  outcome(outcome: string): void;
  /** From the append of a proof until its decision is here. */
  admitted(tookMs: number): void;
  fault(what: string): void;
  /** Refused before it was read, because others were to be served in time. */
  shed(why: ShedReason): void;
}

export interface IngressGauges {
  readonly inFlight: () => number;
  readonly unreported: () => number;
  /** Records that were handed to the log and are not durable yet. */
  readonly appending: () => number;
  readonly gate: () => GateGauges;
  readonly newcomers: () => number;
  readonly atDoor: () => number;
  readonly marginS: () => number;
}

export function measureIngress(metrics: Metrics, gauges: IngressGauges): IngressMetrics {
  tellGauges(metrics, gauges);
  const requests = metrics.tally({
    name: 'paycrawl_ingress_requests_total',
    help: 'Requests by what the price book said about them',
    labels: ['ruling'],
  });
  const challenges = metrics.tally({
    name: 'paycrawl_ingress_challenges_total',
    help: 'Answers 402 that were durable before they were sent',
  });
  const proofs = metrics.tally({
    name: 'paycrawl_ingress_proofs_total',
    help: 'Payment headers by how they ended: served, joined, or the code of the refusal',
    labels: ['result'],
  });
  const outcomes = metrics.tally({
    name: 'paycrawl_ingress_deliveries_total',
    help: 'Deliveries of paid pages by outcome',
    labels: ['outcome'],
  });
  const faults = metrics.tally({
    name: 'paycrawl_ingress_faults_total',
    help: 'What went wrong on our side and was survived; codes are those of the catalogue',
    labels: ['what'],
  });
  const shed = metrics.tally({
    name: 'paycrawl_ingress_shed_total',
    help: 'Requests that were told to come back before they were read, by why',
    labels: ['why'],
  });
  const admission = metrics.histogram({
    name: 'paycrawl_ingress_admission_seconds',
    help: 'From the append of a proof until its decision is back at the ingress',
  });
  return {
    request: requests.count,
    challenge: () => challenges.count(''),
    proof: proofs.count,
    outcome: outcomes.count,
    admitted: (tookMs) => admission.observe(tookMs / 1000),
    fault: faults.count,
    shed: shed.count,
  };
}

function tellGauges(metrics: Metrics, gauges: IngressGauges): void {
  metrics.gauge({
    name: 'paycrawl_ingress_payments_waiting_max',
    help: 'Proofs that may wait for a decision at once, as the latest decisions allow',
    collect: (gauge) => gauge.set(gauges.gate().paymentsMax),
  });
  metrics.gauge({
    name: 'paycrawl_ingress_payments_at_door',
    help: 'Payments that wait to be read until those before them are decided',
    collect: (gauge) => gauge.set(gauges.atDoor()),
  });
  metrics.gauge({
    name: 'paycrawl_ingress_busy_ratio',
    help: 'Busy share of the last tenth of a second: event loop or recovery thread, the greater',
    collect: (gauge) => gauge.set(gauges.gate().busyShare),
  });
  metrics.gauge({
    name: 'paycrawl_ingress_refusals_held',
    help: 'Requests without a payment that are about to be told to come back',
    collect: (gauge) => gauge.set(gauges.gate().held),
  });
  metrics.gauge({
    name: 'paycrawl_ingress_newcomers_waiting',
    help: 'Proofs of payers not seen before that wait for their turn beside known ones',
    collect: (gauge) => gauge.set(gauges.newcomers()),
  });
  metrics.gauge({
    name: 'paycrawl_ingress_proofs_in_flight',
    help: 'Payments that are being decided or delivered',
    collect: (gauge) => gauge.set(gauges.inFlight()),
  });
  metrics.gauge({
    name: 'paycrawl_ingress_outcomes_unreported',
    help: 'Outcomes of streamed pages that are not durable yet',
    collect: (gauge) => gauge.set(gauges.unreported()),
  });
  metrics.gauge({
    name: 'paycrawl_ingress_records_appending',
    help: 'Records that wait for the log to take them',
    collect: (gauge) => gauge.set(gauges.appending()),
  });
  metrics.gauge({
    name: 'paycrawl_ingress_margin_seconds',
    help: 'Time that settlement needs as it told last; proofs must leave more',
    collect: (gauge) => gauge.set(gauges.marginS()),
  });
}
