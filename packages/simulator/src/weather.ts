import type { Random } from './random.js';

/** How bad the world is at the moment; every port asks before it does something. */
export interface Weather {
  /** A short delay, sometimes a long one. */
  delayMs(what: 'network' | 'disk' | 'chain'): number;
  happens(fault: Fault): boolean;
  /** From now on nothing fails. */
  clear(): void;
  readonly isClear: boolean;
}

/** Probabilities per operation, drawn anew for each history, so that histories differ in kind. */
export type Faults = Readonly<Record<Fault, number>>;
export type Fault = (typeof faultNames)[number];

export const faultNames = [
  'append_lost',
  'acknowledgement_lost',
  'read_failed',
  'wakeup_lost',
  'record_repeated',
  'commit_failed',
  'chain_failed',
  'chain_stale',
  'chain_forgetful',
  'submit_lost',
  'warehouse_failed',
  'slow',
  'very_slow',
] as const;

const worst: Faults = {
  append_lost: 0.04,
  acknowledgement_lost: 0.04,
  read_failed: 0.01,
  wakeup_lost: 0.3,
  record_repeated: 0.2,
  commit_failed: 0.2,
  chain_failed: 0.15,
  chain_stale: 0.1,
  chain_forgetful: 0.05,
  submit_lost: 0.2,
  warehouse_failed: 0.15,
  slow: 0.1,
  very_slow: 0.01,
};

/** A third of the faults is absent from a history, so that rare combinations are not drowned. */
export function drawFaults(random: Random): Faults {
  const drawn = faultNames.map((name) => {
    const probability = random.chance(0.35) ? 0 : worst[name] * random.draw();
    return [name, probability] as const;
  });
  return Object.fromEntries(drawn) as Faults;
}

const usualMs = { network: 8, disk: 6, chain: 20 } as const;

export function createWeather(faults: Faults, random: Random): Weather {
  let isClear = false;
  return {
    get isClear() {
      return isClear;
    },
    delayMs(what) {
      const usual = random.draw() * usualMs[what];
      if (isClear) return usual;
      if (random.chance(faults.very_slow)) return 1_000 + random.draw() * 9_000;
      return random.chance(faults.slow) ? 50 + random.draw() * 950 : usual;
    },
    happens: (fault) => !isClear && random.chance(faults[fault]),
    clear: () => {
      isClear = true;
    },
  };
}
