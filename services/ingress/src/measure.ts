import type { Metrics } from '@paycrawl/service-kit/metrics';

/** Free requests are counted here and nowhere else; the rest is also in the log. */
export interface IngressMetrics {
  request(ruling: string): void;
  challenge(): void;
  proof(result: string): void;
  outcome(outcome: string): void;
  fault(what: string): void;
}

export interface IngressGauges {
  readonly inFlight: () => number;
  readonly unreported: () => number;
}

export function measureIngress(metrics: Metrics, gauges: IngressGauges): IngressMetrics {
  const requests = metrics.counter({
    name: 'paycrawl_ingress_requests_total',
    help: 'Requests by what the price book said about them',
    labels: ['ruling'],
  });
  const challenges = metrics.counter({
    name: 'paycrawl_ingress_challenges_total',
    help: 'Answers 402 that were durable before they were sent',
  });
  const proofs = metrics.counter({
    name: 'paycrawl_ingress_proofs_total',
    help: 'Payment headers by how they ended: served, joined, or the code of the refusal',
    labels: ['result'],
  });
  const outcomes = metrics.counter({
    name: 'paycrawl_ingress_deliveries_total',
    help: 'Deliveries of paid pages by outcome',
    labels: ['outcome'],
  });
  const faults = metrics.counter({
    name: 'paycrawl_ingress_faults_total',
    help: 'What went wrong on our side and was survived',
    labels: ['what'],
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
  return {
    request: (ruling) => requests.inc({ ruling }),
    challenge: () => challenges.inc(),
    proof: (result) => proofs.inc({ result }),
    outcome: (outcome) => outcomes.inc({ outcome }),
    fault: (what) => faults.inc({ what }),
  };
}
