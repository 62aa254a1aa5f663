/**
 * Spans as this platform makes them: at the edges and in the runtimes, never in a fold. Everything
 * takes it as `Telemetry | undefined`; where it is undefined nothing is loaded, no span is made
 * and no record carries a trace.
 */
export interface Telemetry {
  /** Undefined when this request is not sampled: then nothing that follows from it is traced. */
  request(start: RequestStart): RequestSpan | undefined;
  /** A piece of work that is over; returns its own traceparent, for links to it. */
  work(work: Work): string | undefined;
  /** Sends what waits; within the deadline of whoever closes. */
  close(): Promise<void>;
}

export type Attributes = Readonly<Record<string, string | number | boolean>>;

export interface RequestStart {
  /** The service that answers: the scope of the span. */
  readonly service: string;
  readonly name: string;
  /**
   * `traceparent` as the client sent it. Its trace goes on; whether it is recorded is decided
   * here, so that nobody outside can make us record everything.
   */
  readonly incoming: string | undefined;
  readonly attributes: Attributes;
}

export interface RequestSpan {
  /** W3C traceparent: goes into every record that this request causes. */
  readonly trace: string;
  end(status: number, attributes?: Attributes): void;
}

export interface Work {
  readonly service: string;
  readonly name: string;
  /** The traceparent that its record carried; undefined begins a trace of its own. */
  readonly trace: string | undefined;
  /** Unix ms. */
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes?: Attributes;
  /** Traceparents of what this work joins: a batch settles charges of many requests. */
  readonly links?: readonly string[];
}

export interface TraceParent {
  readonly traceId: string;
  readonly spanId: string;
}

const grammar = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$/;

/** W3C Trace Context §3.2.2; undefined for anything that a client must not send. */
export function readTraceparent(text: string): TraceParent | undefined {
  const [, version, traceId = '', spanId = '', rest] = grammar.exec(text) ?? [];
  if (version === undefined || version === 'ff') return undefined;
  if (version === '00' && rest !== undefined) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId };
}

/** What stands in a record is recorded: unsampled requests leave nothing there. */
export function writeTraceparent({ traceId, spanId }: TraceParent): string {
  return `00-${traceId}-${spanId}-01`;
}
