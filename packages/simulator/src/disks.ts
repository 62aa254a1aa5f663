import { createMemoryStore, type Store } from '@paycrawl/fold/store';
import type { Random } from './random.js';
import type { Life, Timeline } from './timeline.js';
import type { Weather } from './weather.js';

/** The local stores of all machines: they outlive processes, and two processes may share one. */
export interface Disks {
  /** The store of a fold's partition on a machine, as one process sees it. */
  open(life: Life, machine: string, name: string): Store;
  /** A power cut takes the stores of a machine back to what was synced. */
  cutPower(machine: string): void;
  /** The machine is gone; another one takes its name. */
  lose(machine: string): void;
  /** What every store holds that was ever opened under this name, by machine. */
  stores(name: string): Store[];
}

interface Disk {
  readonly machine: string;
  readonly name: string;
  store: Store;
  /** An earlier moment, which a power cut may bring back. */
  synced: ReturnType<Store['snapshot']> | undefined;
}

export function createDisks(timeline: Timeline, weather: Weather, random: Random): Disks {
  const disks = new Map<string, Disk>();
  const replace = (machine: string, change: (disk: Disk) => void): void => {
    for (const disk of disks.values()) if (disk.machine === machine) change(disk);
  };
  return {
    open(life, machine, name) {
      const key = `${machine}/${name}`;
      const fresh: Disk = { machine, name, store: createMemoryStore(), synced: undefined };
      const disk = disks.get(key) ?? fresh;
      disks.set(key, disk);
      return storePort(life, disk, { timeline, weather, random });
    },
    cutPower: (machine) =>
      replace(machine, (disk) => {
        const { synced } = disk;
        disk.store = createMemoryStore();
        // Nothing in it waits for anything: it is filled before the next event.
        if (synced !== undefined) void disk.store.replace(synced.position, synced.entries);
      }),
    lose: (machine) =>
      replace(machine, (disk) => {
        disk.store = createMemoryStore();
        disk.synced = undefined;
      }),
    stores: (name) =>
      [...disks.values()].filter((disk) => disk.name === name).map(({ store }) => store),
  };
}

interface Around {
  readonly timeline: Timeline;
  readonly weather: Weather;
  readonly random: Random;
}

/** Writes take time; a process that dies meanwhile may have written or not, never a part. */
function storePort(life: Life, disk: Disk, { timeline, weather, random }: Around): Store {
  const device = { name: `disk of ${life.name}`, isDead: false, skewMs: 0 };
  return {
    position: () => disk.store.position(),
    get: (key) => disk.store.get(key),
    range: (prefix, after) => disk.store.range(prefix, after),
    snapshot: () => copyOf(disk.store),
    replace: async (position, entries) => disk.store.replace(position, entries),
    close: async () => {},
    write: (expected, next, writes) =>
      new Promise((resolve, reject) => {
        if (life.isDead) return;
        const copy = new Map(writes);
        timeline.after(weather.delayMs('disk'), device, () => {
          if (life.isDead && random.chance(0.5)) return;
          const answer = (deliver: () => void) => void timeline.after(0, life, deliver);
          disk.store.write(expected, next, copy).then(
            () => answer(resolve),
            (error) => answer(() => reject(error)),
          );
          if (random.chance(0.3)) disk.synced = copyOf(disk.store);
        });
      }),
  };
}

/** The memory store hands out its own state; what a snapshot holds must not change any more. */
function copyOf(store: Store): {
  position: ReturnType<Store['position']>;
  entries: [string, Buffer][];
} {
  const { position, entries } = store.snapshot();
  return { position, entries: [...entries] };
}
