import type { AnyEvent } from '@paycrawl/events/event';
import type { TopicName } from '@paycrawl/events/topics';
import type { Wallet } from '@paycrawl/testkit/devnet-actions';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LogView, openLogView } from './testing/log-view.js';
import { metricsNamed, namesRendered } from './testing/metric-names.js';
import { type PlatformProcess, startPlatformProcess } from './testing/platform-process.js';
import {
  type ReceivedSpan,
  type SpanReceiver,
  startSpanReceiver,
} from './testing/span-receiver.js';
import { openVisitor, type Visitor } from './testing/visitor.js';

// One platform with a collector: what a paid crawl leaves in traces, records and metrics.

const traceId = '0af7651916cd43dd8448eb211c80319c';
const traceparent = `00-${traceId}-b7ad6b7169203331-00`;
const page = '/articles/serverless.html';
const secretQuery = 'token=not-to-be-seen';
const eventually = { timeout: 40_000, interval: 200 };

let receiver: SpanReceiver;
let platform: PlatformProcess;
let visitor: Visitor;
let log: LogView;
let proof = '';

beforeAll(async () => {
  receiver = await startSpanReceiver();
  platform = await startPlatformProcess({
    environment: {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_BSP_SCHEDULE_DELAY: '200',
    },
  });
  visitor = openVisitor(platform.run.ingress);
  log = openLogView(platform.dataDir);
  const wallet = platform.run.wallets[0] as Wallet;
  const visit = { path: `${page}?${secretQuery}` };
  proof = await visitor.proof(wallet, visit);
  const served = await visitor.present(proof, { ...visit, headers: { traceparent } });
  expect(served.status).toBe(200);
}, 120_000);

afterAll(async () => {
  visitor?.close();
  await log?.close();
  await platform?.remove();
  await receiver?.close();
});

function inTrace(): readonly ReceivedSpan[] {
  return receiver.spans().filter((span) => span.traceId === traceId);
}

describe('one trace from the request to the settlement', () => {
  const wanted = [
    'ingress GET',
    'verifier PaymentAccepted',
    'verifier ChargePosted',
    'metering LedgerPosted',
    'settlement BatchSealed',
    'settlement BatchSubmitted',
    'settlement ChargeSettled',
    'verifier ChargeSettled',
    'analytics visible',
  ];

  test('behavior: every hop has its span in the trace of the request', async () => {
    const missing = () => {
      const names = inTrace().map(({ name }) => name);
      return wanted.filter((hop) => {
        const [service = '', what = ''] = hop.split(' ');
        return !names.some((name) => name.startsWith(`${service} `) && name.includes(what));
      });
    };
    await expect.poll(missing, eventually).toEqual([]);
    const spans = inTrace();
    const request = spans.find(({ name }) => name === 'ingress GET');
    const others = spans.filter((span) => span !== request);
    expect(others.map(({ parentSpanId }) => parentSpanId)).toEqual(
      others.map(() => request?.spanId),
    );
    const inserts = receiver.spans().filter(({ name }) => name === 'analytics insert');
    const linked = inserts.flatMap(({ links }) => links.map((link) => link.traceId));
    expect(linked).toContain(traceId);
  }, 60_000);

  test('behavior: every record of the crawl carries it, from the proof to the ledger', async () => {
    const topics: readonly TopicName[] = [
      'payments',
      'decisions',
      'ledger',
      'charges',
      'settlements',
    ];
    const traced = async (): Promise<AnyEvent[]> =>
      (await Promise.all(topics.map((topic) => log.events(topic))))
        .flat()
        .filter(({ trace }) => trace?.includes(traceId));
    const way = [
      ...['ProofReceived', 'PaymentAccepted', 'CrawlDelivered', 'ChargePosted', 'LedgerPosted'],
      ...['ChargeDue', 'BatchSealed', 'ChargeInFlight', 'AttemptProposed', 'AttemptSubmitted'],
      ...['BatchSubmitted', 'BatchObserved', 'BatchConfirmed', 'ChargeSettled', 'GasSpent'],
      // The first proof of a payer: its funds are not known yet.
      'FundsRequested',
    ];
    await expect
      .poll(async () => [...new Set((await traced()).map(({ type }) => type))].sort(), eventually)
      .toEqual([...way].sort());
    // The offer belongs to the request before, which had a trace of its own.
    const [offered] = await log.events('challenges');
    expect(offered).toMatchObject({ type: 'ChallengeIssued' });
    expect(offered?.trace).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    expect(offered?.trace).not.toContain(traceId);
  }, 60_000);

  test('behavior: no proof, signature, token or query is in any span', () => {
    const sent = receiver.text();
    expect(sent).toContain(page);
    const { signature } = (JSON.parse(Buffer.from(proof, 'base64').toString()) as ProofText)
      .payload;
    const { operator, publisher, wallets } = platform.run;
    const secrets = [proof, signature, secretQuery, operator.token, publisher.token];
    for (const secret of [...secrets, ...wallets.map(({ privateKey }) => privateKey)]) {
      expect(secret.length).toBeGreaterThan(5);
      expect(sent).not.toContain(secret);
    }
  });
});

interface ProofText {
  readonly payload: { readonly signature: string };
}

describe('metrics', () => {
  test('behavior: every fold is watched: /livez names it', async () => {
    const checks = async (origin: string) =>
      Object.keys(((await (await fetch(`${origin}/livez`)).json()) as { checks: object }).checks);
    expect(await checks(platform.run.facilitator)).toEqual(['admission']);
    const backOffice = ['metering', 'projection', 'settlement'];
    expect((await checks(platform.run.api)).sort()).toEqual(backOffice);
  });

  test('behavior: what alerts and dashboards ask for is measured by the running platform', async () => {
    const scrape = async (origin: string) => (await fetch(`${origin}/metrics`)).text();
    const { api, facilitator } = platform.run;
    const rendered = new Set(
      (await Promise.all([api, facilitator].map(scrape))).flatMap(namesRendered),
    );
    const named = await metricsNamed();
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((name) => !rendered.has(name))).toEqual([]);
  });

  test('behavior: after a crawl was settled, its figures are there', async () => {
    const text = async () => {
      const scraped = [platform.run.api, platform.run.facilitator].map(async (origin) =>
        (await fetch(`${origin}/metrics`)).text(),
      );
      return (await Promise.all(scraped)).join('\n');
    };
    await expect
      .poll(text, eventually)
      .toMatch(/settlement_charges_total\{outcome="settled".*\} 1/);
    const told = await text();
    for (const line of [
      /^paycrawl_verifier_holds_open\{.*\} 0$/m,
      /^paycrawl_ingress_admission_seconds_count\{.*\} 1$/m,
      /^paycrawl_metering_charges_total\{publisher="demo".*\} 1$/m,
      /^paycrawl_settlement_gas_authorizations_total\{.*\} 1$/m,
      /^paycrawl_fold_records_total\{fold="settlement".*\} \d+$/m,
      /^paycrawl_chain_seconds_count\{.*operation="submit".*\} 1$/m,
    ]) {
      expect(told).toMatch(line);
    }
  }, 60_000);
});
