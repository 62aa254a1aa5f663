import { type HttpResponse, type HttpTarget, openConnection } from './http-connection.js';

/** What a run of load gave. Latencies in ms; `rate` counts answers that were as expected. */
export interface LoadFigures {
  readonly requests: number;
  readonly failures: number;
  readonly seconds: number;
  readonly ratePerS: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Failures by what was seen. */
  readonly seen: Readonly<Record<string, number>>;
}

export interface ClosedLoop {
  readonly target: HttpTarget;
  readonly connections: number;
  /** The next request, or undefined when there are no more. */
  next(): Buffer | undefined;
  isExpected(response: HttpResponse): boolean;
  /** The run ends at the latest after this time. */
  secondsMax: number;
}

/** Each connection asks again as soon as it was answered. */
export async function runClosedLoop(loop: ClosedLoop): Promise<LoadFigures> {
  const latenciesMs: number[] = [];
  const seen: Record<string, number> = {};
  const startedMs = performance.now();
  const endMs = startedMs + loop.secondsMax * 1000;
  const work = async (): Promise<void> => {
    const connection = await openConnection(loop.target);
    for (let bytes = loop.next(); bytes !== undefined; bytes = loop.next()) {
      const sentMs = performance.now();
      if (sentMs > endMs) break;
      const answer = await connection.request(bytes).catch((error: Error) => error.message);
      latenciesMs.push(performance.now() - sentMs);
      if (typeof answer !== 'string' && loop.isExpected(answer)) continue;
      const what = typeof answer === 'string' ? answer : String(answer.status);
      seen[what] = (seen[what] ?? 0) + 1;
      if (typeof answer === 'string') break;
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: loop.connections }, work));
  return figuresOf(latenciesMs, seen, (performance.now() - startedMs) / 1000);
}

export function figuresOf(
  latenciesMs: number[],
  seen: Record<string, number>,
  seconds: number,
): LoadFigures {
  latenciesMs.sort((a, b) => a - b);
  const failures = Object.values(seen).reduce((sum, times) => sum + times, 0);
  const at = (share: number): number =>
    latenciesMs[Math.min(latenciesMs.length - 1, Math.floor(latenciesMs.length * share))] ?? 0;
  return {
    requests: latenciesMs.length,
    failures,
    seconds,
    ratePerS: (latenciesMs.length - failures) / seconds,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    seen,
  };
}
