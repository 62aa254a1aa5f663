import type { Chain } from '@paycrawl/chain/chain';
import type { EventLog } from '@paycrawl/event-log/event-log';
import type { Fold, Sink } from '@paycrawl/fold/fold';
import type { OwnedPartition } from '@paycrawl/fold/runtime';
import type { Store } from '@paycrawl/fold/store';
import type { DriverSettings } from '@paycrawl/settlement/batches/driver-context';
import type { Hex } from 'viem';
import type { Life } from './timeline.js';
import type { World } from './world.js';

/**
 * A mistake, planted from outside: it wraps what the real code is given (its log, sink, store,
 * chain) or the fold itself. The code of production knows nothing of it.
 */
export interface Planted {
  fold?<Out>(fold: Fold<Out>, place: Place): Fold<Out>;
  sink?<Out>(sink: Sink<Out>, place: Place): Sink<Out>;
  store?(store: Store, place: Place & { readonly partition: number }): Store;
  log?(log: EventLog, place: Place): EventLog;
  chain?(chain: Chain, place: Place & { readonly use: 'funds' | 'settlement' }): Chain;
  settings?(settings: DriverSettings): DriverSettings;
  owned?(
    owned: OwnedPartition,
    place: Place & { readonly chain: Chain; readonly key: Hex },
  ): OwnedPartition;
}

export type Service = 'verifier' | 'metering' | 'settlement' | 'analytics';

/** In which process of which history it stands. */
export interface Place {
  readonly world: World;
  readonly life: Life;
  readonly service: Service;
}

export const nothingPlanted: Planted = {};
