import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { createFoldSpans, type FoldedOutput } from './fold-spans.js';
import { startTelemetry } from './start-telemetry.js';
import { readTraceparent, type Telemetry, type Work, writeTraceparent } from './telemetry.js';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const spanId = '00f067aa0ba902b7';

test('behavior: without an endpoint, or disabled, there is no telemetry', async () => {
  for (const environment of [
    {},
    { OTEL_EXPORTER_OTLP_ENDPOINT: '' },
    { ...on, OTEL_SDK_DISABLED: 'true' },
  ]) {
    expect(await startTelemetry({ service: 's', environment })).toBeUndefined();
  }
});

/** What a program prints that began with `telemetry` started from these settings. */
function printed(environment: Record<string, string>, expression: string): string {
  const built = new URL('../dist/start-telemetry.js', import.meta.url).href;
  const program = `
    import { createRequire } from 'node:module';
    const { startTelemetry } = await import(${JSON.stringify(built)});
    const environment = ${JSON.stringify(environment)};
    const telemetry = await startTelemetry({ service: 's', environment });
    const loaded = () => Object.keys(createRequire(import.meta.url).cache);
    process.stdout.write(String(${expression}), () => process.exit(0));
  `;
  const cwd = fileURLToPath(new URL('..', import.meta.url));
  const args = ['--input-type=module', '--eval', program];
  // The SDK reads the environment of its process.
  const env = { PATH: '', ...environment };
  return execFileSync(process.execPath, args, { cwd, env, encoding: 'utf8' });
}

const on = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' };

test('behavior: off, nothing of OpenTelemetry is loaded', () => {
  const count = "loaded().filter((path) => path.includes('opentelemetry')).length";
  expect(printed({}, count)).toBe('0');
  expect(Number(printed(on, count))).toBeGreaterThan(0);
}, 60_000);

test.each([
  { sampler: 'always_on', flag: '00', isRecorded: true },
  { sampler: 'always_off', flag: '01', isRecorded: false },
  { sampler: 'parentbased_always_off', flag: '01', isRecorded: false },
])(
  'behavior: $sampler, whatever the client flags ($flag): recorded $isRecorded',
  (one) => {
    const incoming = `00-${traceId}-${spanId}-${one.flag}`;
    const start = JSON.stringify({ service: 's', name: 'n', incoming, attributes: {} });
    const environment = { ...on, OTEL_TRACES_SAMPLER: one.sampler };
    const trace = printed(environment, `telemetry.request(${start})?.trace`);
    if (one.isRecorded)
      expect(trace).toMatch(new RegExp(`^00-${traceId}-(?!${spanId})\\w{16}-01$`));
    else expect(trace).toBe('undefined');
  },
  60_000,
);

describe('traceparent', () => {
  test('behavior: what W3C allows is read, and a record says that it is recorded', () => {
    const parent = { traceId, spanId };
    expect(readTraceparent(`00-${traceId}-${spanId}-00`)).toEqual(parent);
    // A later version may have more after what this one knows.
    expect(readTraceparent(`01-${traceId}-${spanId}-01-more`)).toEqual(parent);
    expect(writeTraceparent(parent)).toBe(`00-${traceId}-${spanId}-01`);
  });

  test.each([
    '',
    `ff-${traceId}-${spanId}-01`,
    `00-${'0'.repeat(32)}-${spanId}-01`,
    `00-${traceId}-${'0'.repeat(16)}-01`,
    `00-${traceId.toUpperCase()}-${spanId}-01`,
    `00-${traceId}-${spanId}-01-more`,
    `00-${traceId}-${spanId}-01, 00-${traceId}-${spanId}-01`,
    'x'.repeat(10_000),
  ])('behavior: %s is none', (text) => {
    expect(readTraceparent(text)).toBeUndefined();
  });
});

describe('spans of folds', () => {
  const trace = (n: number) => writeTraceparent({ traceId: String(n).padStart(32, 'a'), spanId });

  function spansOf(outputs: readonly FoldedOutput[]): Work[] {
    const made: Work[] = [];
    const telemetry: Telemetry = {
      request: () => undefined,
      work: (work) => {
        made.push(work);
        return undefined;
      },
      close: async () => undefined,
    };
    createFoldSpans({ telemetry, service: 'settlement', clock: () => 2_000 })(outputs);
    return made;
  }

  const output = (
    offset: number,
    type: string,
    of: { record?: string; entity?: string | null },
  ): FoldedOutput => ({
    output: { topic: 't', type, data: {}, trace: of.entity },
    cause: ['charges', 3, offset, 0],
    nowMs: 1_000,
    trace: of.record,
  });

  test('behavior: one span for each record, from its append time to now', () => {
    const spans = spansOf([
      output(7, 'LedgerPosted', { record: trace(1) }),
      output(7, 'ChargeDue', { record: trace(1) }),
      output(8, 'LedgerPosted', { record: trace(2) }),
      output(9, 'LedgerPosted', {}),
    ]);
    expect(spans.map(({ trace }) => trace)).toEqual([trace(1), trace(2)]);
    expect(spans[0]).toMatchObject({
      name: 'settlement LedgerPosted, ChargeDue',
      startMs: 1_000,
      endMs: 2_000,
      attributes: { 'messaging.kafka.offset': 7, 'paycrawl.outputs': 'LedgerPosted,ChargeDue' },
    });
    expect(spans[0]).not.toHaveProperty('links');
  });

  test('behavior: a batch joins many: a span in each trace, and links between them', () => {
    const spans = spansOf([
      output(7, 'BatchSealed', { record: trace(9), entity: trace(1) }),
      output(7, 'ChargeInFlight', { record: trace(9), entity: trace(1) }),
      output(7, 'ChargeInFlight', { record: trace(9), entity: null }),
      output(7, 'ChargeInFlight', { record: trace(9), entity: trace(2) }),
    ]);
    expect(spans.map(({ trace, links }) => ({ trace, links }))).toEqual([
      { trace: trace(1), links: [trace(2)] },
      { trace: trace(2), links: [trace(1)] },
    ]);
  });
});
