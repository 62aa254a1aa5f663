/** Grafana dashboards as data: one for each who looks. `npm run docs` writes them as JSON. */

interface Query {
  readonly expr: string;
  /** Grafana's template of a line's name. */
  readonly legend: string;
}

interface Panel {
  readonly title: string;
  readonly unit: 's' | 'short' | 'reqps' | 'percentunit' | 'ops';
  readonly queries: readonly Query[];
  /** A number instead of lines. */
  readonly isNumber?: boolean;
}

interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly Panel[];
}

const one = (expr: string, legend: string): readonly Query[] => [{ expr, legend }];

const quantiles = (histogram: string): readonly Query[] =>
  [0.5, 0.99].map((quantile) => ({
    expr: `histogram_quantile(${quantile}, sum by (le) (rate(${histogram}_bucket[$__rate_interval])))`,
    legend: `p${quantile * 100}`,
  }));

const rate = (metric: string, by: string): readonly Query[] =>
  one(`sum by (${by}) (rate(${metric}[$__rate_interval]))`, `{{${by}}}`);

const number = (title: string, unit: Panel['unit'], expr: string): Panel => ({
  ...{ title, unit, queries: one(expr, ''), isNumber: true },
});

const operator: Dashboard = {
  uid: 'paycrawl-operator',
  title: 'paycrawl: operator overview',
  panels: [
    number('Alerts', 'short', 'sum(ALERTS{alertstate="firing"}) or vector(0)'),
    number('Services down', 'short', 'count(up == 0) or vector(0)'),
    number('Equations that differ', 'short', 'sum(paycrawl_reconciliation_differences)'),
    number('Dead letters, 24 h', 'short', 'sum(increase(paycrawl_dead_letters_total[24h]))'),
    {
      title: 'Requests by ruling',
      unit: 'reqps',
      queries: rate('paycrawl_ingress_requests_total', 'ruling'),
    },
    {
      title: 'Payments by result',
      unit: 'reqps',
      queries: rate('paycrawl_ingress_proofs_total', 'result'),
    },
    {
      title: 'Wait for a decision',
      unit: 's',
      queries: quantiles('paycrawl_ingress_admission_seconds'),
    },
    {
      title: 'Faults at the ingress',
      unit: 'reqps',
      queries: rate('paycrawl_ingress_faults_total', 'what'),
    },
    {
      title: 'Told to come back, before it was read',
      unit: 'reqps',
      queries: rate('paycrawl_ingress_shed_total', 'why'),
    },
    {
      title: 'In flight at the ingress',
      unit: 'short',
      queries: [
        { expr: 'sum(paycrawl_ingress_proofs_in_flight)', legend: 'payments' },
        {
          expr: 'sum(paycrawl_ingress_payments_waiting_max)',
          legend: 'payments, as decisions allow',
        },
        { expr: 'sum(paycrawl_ingress_payments_at_door)', legend: 'payments at the door' },
        { expr: 'sum(paycrawl_ingress_refusals_held)', legend: 'refusals held' },
        { expr: 'sum(paycrawl_ingress_records_appending)', legend: 'records on their way' },
        { expr: 'sum(paycrawl_ingress_outcomes_unreported)', legend: 'outcomes unreported' },
        { expr: 'sum(paycrawl_verifier_holds_open)', legend: 'holds' },
      ],
    },
    {
      title: 'Lag by fold',
      unit: 'short',
      queries: one('sum by (fold) (paycrawl_fold_lag_records)', '{{fold}}'),
    },
    {
      title: 'Oldest uncommitted record',
      unit: 's',
      queries: one(
        'max by (fold, topic) (paycrawl_fold_oldest_uncommitted_seconds)',
        '{{fold}} {{topic}}',
      ),
    },
    { title: 'Speed of folds', unit: 'ops', queries: rate('paycrawl_fold_records_total', 'fold') },
    {
      title: 'Stalled for',
      unit: 's',
      queries: one('max by (fold) (paycrawl_fold_stalled_seconds)', '{{fold}}'),
    },
    { title: 'Restarts', unit: 'ops', queries: rate('paycrawl_fold_restarts_total', 'fold') },
    {
      title: 'Event-loop delay, p99',
      unit: 's',
      queries: one('nodejs_eventloop_lag_p99_seconds', '{{instance}}'),
    },
    {
      title: 'Until a crawl is visible',
      unit: 's',
      queries: quantiles('paycrawl_analytics_visible_seconds'),
    },
  ],
};

const settlement: Dashboard = {
  uid: 'paycrawl-settlement',
  title: 'paycrawl: settlement',
  panels: [
    number('Nearest deadline', 's', 'min(paycrawl_settlement_nearest_deadline_seconds)'),
    number('Oldest batch in flight', 's', 'max(paycrawl_settlement_oldest_batch_seconds)'),
    number('Charges in line', 'short', 'sum(paycrawl_settlement_queue_charges)'),
    number('Batches that wait', 'short', 'sum(paycrawl_settlement_troubles) or vector(0)'),
    {
      title: 'Charges by outcome',
      unit: 'ops',
      queries: rate('paycrawl_settlement_charges_total', 'outcome'),
    },
    {
      title: 'Batches by state',
      unit: 'ops',
      queries: rate('paycrawl_settlement_batches_total', 'state'),
    },
    {
      title: 'Queue, held and in flight',
      unit: 'short',
      queries: [
        { expr: 'sum(paycrawl_settlement_queue_charges)', legend: 'charges in line' },
        { expr: 'sum(paycrawl_settlement_held_charges)', legend: 'charges held' },
        { expr: 'sum(paycrawl_settlement_batches_in_flight)', legend: 'batches in flight' },
      ],
    },
    {
      title: 'Nearest deadline and margin',
      unit: 's',
      queries: [
        {
          expr: 'min by (partition) (paycrawl_settlement_nearest_deadline_seconds)',
          legend: 'deadline of partition {{partition}}',
        },
        { expr: 'max(paycrawl_settlement_margin_seconds)', legend: 'margin' },
        { expr: 'max(paycrawl_ingress_margin_seconds)', legend: 'margin, as the ingress knows it' },
      ],
    },
    {
      title: 'Gas of one authorization',
      unit: 'short',
      queries: one(
        'sum(rate(paycrawl_settlement_gas_used_total[$__rate_interval])) / sum(rate(paycrawl_settlement_gas_authorizations_total[$__rate_interval]))',
        'gas',
      ),
    },
    {
      title: 'What keeps batches waiting',
      unit: 'short',
      queries: one('sum by (code) (paycrawl_settlement_troubles)', '{{code}}'),
    },
    {
      title: 'Chain: time of a question, p99',
      unit: 's',
      queries: one(
        'histogram_quantile(0.99, sum by (le, operation) (rate(paycrawl_chain_seconds_bucket[$__rate_interval])))',
        '{{operation}}',
      ),
    },
    {
      title: 'Chain: failures',
      unit: 'ops',
      queries: rate('paycrawl_chain_failures_total', 'operation'),
    },
    {
      title: 'Funds: questions that wait',
      unit: 'short',
      queries: one('sum(paycrawl_verifier_funds_questions)', 'questions'),
    },
    {
      title: 'Funds: age of the oldest question',
      unit: 's',
      queries: one('max(paycrawl_verifier_funds_oldest_question_seconds)', 'oldest'),
    },
  ],
};

const publisher: Dashboard = {
  uid: 'paycrawl-publisher',
  title: 'paycrawl: publisher revenue and edge',
  panels: [
    number('Charges, 24 h', 'short', 'sum(increase(paycrawl_metering_charges_total[24h]))'),
    number(
      'Paid of what was priced, 1 h',
      'percentunit',
      'sum(increase(paycrawl_ingress_proofs_total{result="served"}[1h])) / sum(increase(paycrawl_ingress_requests_total{ruling="priced"}[1h]))',
    ),
    number('Challenges, 1 h', 'short', 'sum(increase(paycrawl_ingress_challenges_total[1h]))'),
    number(
      'Losses, 24 h',
      'short',
      'sum(increase(paycrawl_settlement_charges_total{outcome="uncollectible"}[24h])) or vector(0)',
    ),
    {
      title: 'Charges by publisher',
      unit: 'ops',
      queries: rate('paycrawl_metering_charges_total', 'publisher'),
    },
    {
      title: 'Requests by ruling',
      unit: 'reqps',
      queries: rate('paycrawl_ingress_requests_total', 'ruling'),
    },
    {
      title: 'Deliveries by outcome',
      unit: 'reqps',
      queries: rate('paycrawl_ingress_deliveries_total', 'outcome'),
    },
    {
      title: 'Refusals by code',
      unit: 'reqps',
      queries: one(
        'sum by (result) (rate(paycrawl_ingress_proofs_total{result!~"served|joined"}[$__rate_interval]))',
        '{{result}}',
      ),
    },
    {
      title: 'Decisions by type',
      unit: 'ops',
      queries: rate('paycrawl_verifier_decisions_total', 'type'),
    },
    {
      title: 'Postings by moment',
      unit: 'ops',
      queries: rate('paycrawl_metering_postings_total', 'moment'),
    },
  ],
};

export function generateDashboards(): { readonly path: string; readonly text: string }[] {
  return [operator, settlement, publisher].map((dashboard) => ({
    path: `infra/observability/grafana/dashboards/${dashboard.uid}.json`,
    text: `${JSON.stringify(grafanaOf(dashboard), null, 2)}\n`,
  }));
}

/** Numbers stand four in a row, charts two; Grafana's grid is 24 wide. */
function grafanaOf({ uid, title, panels }: Dashboard) {
  const numbers = panels.filter(({ isNumber }) => isNumber === true);
  const charts = panels.filter(({ isNumber }) => isNumber !== true);
  const rows = Math.ceil(numbers.length / 4);
  return {
    uid,
    title,
    tags: ['paycrawl'],
    timezone: 'browser',
    schemaVersion: 39,
    refresh: '30s',
    time: { from: 'now-3h', to: 'now' },
    panels: [
      ...numbers.map((panel, i) =>
        panelOf(panel, i + 1, { x: (i % 4) * 6, y: Math.floor(i / 4) * 4, w: 6, h: 4 }),
      ),
      ...charts.map((panel, i) => {
        const y = rows * 4 + Math.floor(i / 2) * 8;
        return panelOf(panel, numbers.length + i + 1, { x: (i % 2) * 12, y, w: 12, h: 8 });
      }),
    ],
  };
}

interface Grid {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

function panelOf({ title, unit, queries, isNumber }: Panel, id: number, gridPos: Grid) {
  const datasource = { type: 'prometheus', uid: 'prometheus' };
  return {
    id,
    title,
    type: isNumber === true ? 'stat' : 'timeseries',
    datasource,
    gridPos,
    fieldConfig: { defaults: { unit }, overrides: [] },
    targets: queries.map(({ expr, legend }, i) => ({
      refId: String.fromCharCode(65 + i),
      datasource,
      expr,
      legendFormat: legend,
    })),
  };
}
