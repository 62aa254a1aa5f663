import type { Counter, Histogram, Metrics, Registry } from './metrics.js';

interface CallMetrics {
  readonly failures: Counter<'operation'>;
  readonly seconds: Histogram<'operation'>;
}

/** Services of one process share a registry and these metrics. */
const known = new WeakMap<Registry, CallMetrics>();

/**
 * The same chain client, counted: how long each operation takes, and how often it fails. An answer
 * "no" is an answer; only what threw is a failure.
 */
export function measureChain<Chain extends object>(metrics: Metrics, chain: Chain): Chain {
  const told = known.get(metrics.registry) ?? register(metrics);
  const measured: Chain = Object.create(chain);
  for (const [operation, call] of Object.entries(chain)) {
    if (typeof call !== 'function') continue;
    const value = counted(told, operation, call.bind(chain));
    Object.defineProperty(measured, operation, { value, enumerable: true });
  }
  return measured;
}

function counted(
  { failures, seconds }: CallMetrics,
  operation: string,
  call: (...args: unknown[]) => unknown,
) {
  failures.inc({ operation }, 0);
  return async (...args: unknown[]): Promise<unknown> => {
    const end = seconds.startTimer({ operation });
    try {
      return await call(...args);
    } catch (error) {
      failures.inc({ operation });
      throw error;
    } finally {
      end();
    }
  };
}

function register(metrics: Metrics): CallMetrics {
  const made: CallMetrics = {
    failures: metrics.counter({
      name: 'paycrawl_chain_failures_total',
      help: 'Questions to the chain node that it did not answer',
      labels: ['operation'],
    }),
    seconds: metrics.histogram({
      name: 'paycrawl_chain_seconds',
      help: 'Time of a question to the chain node, answered or not',
      labels: ['operation'],
      // Round trips, not microseconds: few buckets, because each operation has them all.
      buckets: [0.005, 0.025, 0.1, 0.5, 2.5, 10],
    }),
  };
  known.set(metrics.registry, made);
  return made;
}
