import type { Driver, OwnedPartition } from '@paycrawl/fold/runtime';
import { feeKey, noFee, type PlatformFee } from './books/state.js';

export interface FeeKeeperOptions {
  readonly owned: OwnedPartition;
  /** Absent: the log's own setting stays in force, whatever it is. */
  readonly feeBps: number | undefined;
  readonly intervalMs: number;
  clock(): number;
}

/**
 * Brings the configured fee into the log: a setting takes effect by a record in each partition.
 * A record with another version than the next one is without effect, so asking twice is harmless.
 */
export function createFeeKeeper<Out>(options: FeeKeeperOptions): Driver<Out> {
  let asking: Promise<void> | undefined;

  async function ask(feeBps: number): Promise<void> {
    const { owned } = options;
    const inForce = owned.state.get<PlatformFee>(feeKey) ?? noFee;
    if (inForce.feeBps === feeBps) return;
    const version = inForce.version + 1;
    const timeMs = options.clock();
    await owned.append([
      {
        key: feeKey,
        event: {
          type: 'PlatformFeeChanged',
          id: `metering/fee/${owned.partition}/${version}/${feeBps}`,
          source: 'metering',
          timeMs,
          data: { version, feeBps },
        },
      },
    ]);
  }

  function tick(): void {
    if (options.feeBps === undefined || asking !== undefined) return;
    asking = ask(options.feeBps)
      // The log cannot be written now; the next tick asks again.
      .catch(() => {})
      .finally(() => {
        asking = undefined;
      });
  }

  const timer = options.feeBps === undefined ? undefined : setInterval(tick, options.intervalMs);
  tick();
  return {
    async close() {
      clearInterval(timer);
      await asking;
    },
  };
}
