import {
  type HttpConnection,
  type HttpTarget,
  type OnAnswer,
  openConnections,
} from './http-connection.js';
import type { HttpResponse } from './http-response.js';

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
  const connections = await openConnections(loop.target, loop.connections);
  const latenciesMs: number[] = [];
  const seen: Record<string, number> = {};
  const startedMs = performance.now();
  const endMs = startedMs + loop.secondsMax * 1000;
  const run: Run = { loop, latenciesMs, seen, endMs };
  await Promise.all(connections.map((connection) => untilDone(run, connection)));
  return figuresOf(latenciesMs, seen, (performance.now() - startedMs) / 1000);
}

interface Run {
  readonly loop: ClosedLoop;
  readonly latenciesMs: number[];
  readonly seen: Record<string, number>;
  readonly endMs: number;
}

/** One promise for a connection and none for a request: the load shares the cores that it loads. */
function untilDone(
  { loop, latenciesMs, seen, endMs }: Run,
  connection: HttpConnection,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let sentMs = performance.now();
    const end = (): void => {
      connection.close();
      resolve();
    };
    const next = (): void => {
      const bytes = sentMs > endMs ? undefined : loop.next();
      if (bytes === undefined) end();
      else connection.send(bytes, onAnswer);
    };
    const onAnswer: OnAnswer = (answer) => {
      const nowMs = performance.now();
      latenciesMs.push(nowMs - sentMs);
      sentMs = nowMs;
      const isBroken = typeof answer === 'string';
      try {
        if (isBroken || !loop.isExpected(answer)) {
          const what = isBroken ? answer : String(answer.status);
          seen[what] = (seen[what] ?? 0) + 1;
        }
        if (isBroken) end();
        else next();
      } catch (error) {
        // Of what the caller asks or gives; it would be nobody's here.
        connection.close();
        reject(error);
      }
    };
    next();
  });
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
