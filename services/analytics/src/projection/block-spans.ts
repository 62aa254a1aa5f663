import type { Caused } from '@paycrawl/fold/fold';
import type { Telemetry } from '@paycrawl/service-kit/telemetry';

/** Bound of the spans of one block: the last step of a crawl is the least that one looks for. */
const spansMax = 200;
const linksMax = 128;

export interface WrittenBlock {
  /** Those with a trace; `outputsCount` counts all. */
  readonly traced: readonly Caused<unknown>[];
  readonly outputsCount: number;
  readonly startedMs: number;
  readonly endedMs: number;
}

/** One span for the insert, with links to what it joins, and one in each trace that it shows. */
export function traceBlock(
  telemetry: Telemetry,
  { traced, outputsCount, startedMs, endedMs }: WrittenBlock,
) {
  const appendedMs = new Map<string, number>();
  for (const { trace, nowMs } of traced) {
    if (trace === undefined || appendedMs.size >= spansMax) continue;
    appendedMs.set(trace, Math.min(nowMs, appendedMs.get(trace) ?? nowMs));
  }
  if (appendedMs.size === 0) return;
  const service = 'analytics';
  const insert = telemetry.work({
    service,
    name: 'analytics insert',
    trace: undefined,
    startMs: startedMs,
    endMs: endedMs,
    attributes: { 'paycrawl.outputs.count': outputsCount },
    links: [...appendedMs.keys()].slice(0, linksMax),
  });
  for (const [trace, startMs] of appendedMs) {
    const links = insert === undefined ? [] : [insert];
    telemetry.work({ service, name: 'analytics visible', trace, startMs, endMs: endedMs, links });
  }
}
