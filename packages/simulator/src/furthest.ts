import type { Store } from '@paycrawl/fold/store';
import type { World } from './world.js';

/** Of all machines, the store that stands furthest: that of the owner who went on last. */
export function furthest(world: World, group: string, partition: number): Store | undefined {
  const stores = world.disks.stores(`${group}/${partition}`);
  return stores.sort((a, b) => b.position().nextOffset - a.position().nextOffset)[0];
}
