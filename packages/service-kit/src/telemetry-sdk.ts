import {
  type Context,
  type ContextManager,
  type Link,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { NodeSDK, resources } from '@opentelemetry/sdk-node';
import type { Environment } from './config.js';
import {
  type RequestSpan,
  type RequestStart,
  readTraceparent,
  type Telemetry,
  type TraceParent,
  type Work,
  writeTraceparent,
} from './telemetry.js';

/** Contexts are passed by hand, so nothing is paid for every promise. */
const noContexts: ContextManager = {
  active: () => ROOT_CONTEXT,
  with: (_context, work, self, ...args) => work.apply(self as never, args),
  bind: (_context, target) => target,
  enable: () => noContexts,
  disable: () => noContexts,
};

export interface SdkOptions {
  /** `service.name` of the process, unless `OTEL_SERVICE_NAME` says otherwise. */
  readonly service: string;
  readonly environment: Environment;
}

/** Loaded only where spans are wanted: it and what it needs take a quarter of a second. */
export function startSdk({ service, environment }: SdkOptions): Telemetry {
  const sdk = new NodeSDK({
    ...(environment.OTEL_SERVICE_NAME ? {} : { serviceName: `paycrawl-${service}` }),
    // Metrics go to Prometheus and logs to standard output.
    metricReaders: [],
    logRecordProcessors: [],
    instrumentations: [],
    // Of the surroundings only what the operator named: command lines may hold anything.
    ...(environment.OTEL_NODE_RESOURCE_DETECTORS
      ? {}
      : { resourceDetectors: [resources.envDetector] }),
    contextManager: noContexts,
    textMapPropagator: null,
  });
  sdk.start();
  const tracerOf = createTracers();
  return {
    request: (start) => startRequest(tracerOf(start.service), start),
    work: (work) => recordWork(tracerOf(work.service), work),
    close: () => within(closeMsMax, sdk.shutdown()),
  };
}

/** A collector that is away must not hold up the end of a process. */
const closeMsMax = 2_000;

async function within(timeoutMs: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  // What could not be sent is lost: spans are no books.
  await Promise.race([work.catch(() => undefined), late]);
  clearTimeout(timer);
}

function createTracers(): (service: string) => Tracer {
  const tracers = new Map<string, Tracer>();
  return (service) => {
    const known = tracers.get(service);
    if (known !== undefined) return known;
    const tracer = trace.getTracer(`@paycrawl/${service}`);
    tracers.set(service, tracer);
    return tracer;
  };
}

function startRequest(tracer: Tracer, start: RequestStart): RequestSpan | undefined {
  const { name, attributes } = start;
  const options = { kind: SpanKind.SERVER, attributes };
  // Decided as if nobody had asked: neither the client's flag nor its trace id moves the sampler.
  const own = tracer.startSpan(name, { ...options, root: true }, ROOT_CONTEXT);
  if (!own.isRecording()) return undefined;
  const parent = start.incoming === undefined ? undefined : readTraceparent(start.incoming);
  // The span that only asked is never ended, so nobody sees it.
  const span = parent === undefined ? own : tracer.startSpan(name, options, contextOf(parent));
  if (!span.isRecording()) return undefined;
  return {
    trace: writeTraceparent(span.spanContext()),
    end(status, more) {
      span.setAttribute('http.response.status_code', status);
      if (more !== undefined) span.setAttributes(more);
      if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    },
  };
}

function recordWork(tracer: Tracer, work: Work): string | undefined {
  const parent = work.trace === undefined ? undefined : readTraceparent(work.trace);
  const span: Span = tracer.startSpan(
    work.name,
    {
      kind: SpanKind.CONSUMER,
      startTime: work.startMs,
      ...(work.attributes === undefined ? {} : { attributes: work.attributes }),
      ...(work.links === undefined ? {} : { links: linksOf(work.links) }),
    },
    parent === undefined ? ROOT_CONTEXT : contextOf(parent),
  );
  // Clocks of two machines may disagree: a span never ends before it began.
  span.end(Math.max(work.startMs, work.endMs));
  const made = span.spanContext();
  return made.traceFlags === TraceFlags.SAMPLED ? writeTraceparent(made) : undefined;
}

function linksOf(traces: readonly string[]): Link[] {
  return traces.flatMap((text) => {
    const parent = readTraceparent(text);
    return parent === undefined ? [] : [{ context: spanContextOf(parent) }];
  });
}

function contextOf(parent: TraceParent): Context {
  return trace.setSpanContext(ROOT_CONTEXT, spanContextOf(parent));
}

function spanContextOf({ traceId, spanId }: TraceParent) {
  return { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true };
}
