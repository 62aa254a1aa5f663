import type { Chain } from '@paycrawl/chain/chain';

export interface ChainTime {
  readonly operation: string;
  readonly calls: number;
  readonly meanMs: number;
}

/** The same chain; how often and how long it was asked what. */
export function timeChain(chain: Chain): { chain: Chain; times: () => readonly ChainTime[] } {
  const spent = new Map<string, { calls: number; ms: number }>();
  const timed: Chain = Object.create(chain);
  for (const [operation, call] of Object.entries(chain)) {
    if (typeof call !== 'function') continue;
    const value = async (...args: unknown[]): Promise<unknown> => {
      const beganMs = performance.now();
      try {
        return await call.apply(chain, args);
      } finally {
        const { calls, ms } = spent.get(operation) ?? { calls: 0, ms: 0 };
        spent.set(operation, { calls: calls + 1, ms: ms + performance.now() - beganMs });
      }
    };
    Object.defineProperty(timed, operation, { value, enumerable: true });
  }
  return {
    chain: timed,
    times: () =>
      [...spent].map(([operation, { calls, ms }]) => ({ operation, calls, meanMs: ms / calls })),
  };
}
