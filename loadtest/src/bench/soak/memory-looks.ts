import { setTimeout as delay } from 'node:timers/promises';
import { memoryOf } from '../process-memory.js';
import type { Look } from './trend.js';

/** A process whose memory is looked at. */
export interface Watched {
  readonly name: string;
  readonly pid: number;
  /** Must not grow. Others run beside: the devnet, the broker, the load itself. */
  readonly isOurs: boolean;
  /** Where its threads tell of their heaps. */
  readonly heaps: readonly { readonly name: string; readonly metricsUrl: string }[];
}

export interface Series {
  readonly name: string;
  /** What is held to the bound: memory that only the process can give back, and ours. */
  readonly isBounded: boolean;
  /** In MiB. */
  readonly looks: readonly Look[];
}

const mebibyte = 1024 ** 2;
const heapGauges = {
  heap: /^nodejs_heap_size_used_bytes(?:\{[^}]*\})? (\S+)$/m,
  external: /^nodejs_external_memory_bytes(?:\{[^}]*\})? (\S+)$/m,
};

/** Looks at all of them every so often, until the time is over. */
export async function watchMemory(
  watched: readonly Watched[],
  { minutes, intervalMs }: { readonly minutes: number; readonly intervalMs: number },
): Promise<Series[]> {
  const series = new Map<string, { isBounded: boolean; looks: Look[] }>();
  const startedMs = performance.now();
  const passedMinutes = () => (performance.now() - startedMs) / 60_000;
  const note = (name: string, isBounded: boolean, bytes: number | undefined): void => {
    if (bytes === undefined) return;
    const one = series.get(name) ?? { isBounded, looks: [] };
    one.looks.push([passedMinutes(), bytes / mebibyte]);
    series.set(name, one);
  };
  while (passedMinutes() < minutes) {
    for (const one of watched) await look(one, note);
    await delay(intervalMs);
  }
  return [...series].map(([name, one]) => ({ name, ...one }));
}

async function look(
  { name, pid, isOurs, heaps }: Watched,
  note: (name: string, isBounded: boolean, bytes: number | undefined) => void,
): Promise<void> {
  const memory = memoryOf(pid);
  note(`${name}: own`, isOurs, memory?.anonymous);
  note(`${name}: mapped files`, false, memory?.file);
  for (const { name: thread, metricsUrl } of heaps) {
    // A service that is busy for a moment has one look less.
    const text = await fetch(metricsUrl, { signal: AbortSignal.timeout(5_000) }).then(
      (answer) => answer.text(),
      () => '',
    );
    for (const [what, gauge] of Object.entries(heapGauges)) {
      const [, value] = gauge.exec(text) ?? [];
      note(`${thread}: ${what}`, false, value === undefined ? undefined : Number(value));
    }
  }
}
