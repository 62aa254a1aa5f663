/** Work that is done in turns, one at a time: when asked for, when rung for, and by itself. */
export interface Activity {
  /** One turn; who asks during one shares it. */
  turn(): Promise<void>;
  /** The next turn need not wait for its time; a ring during a turn asks for another one. */
  ring(): void;
  /** Ends with the turn that is under way. */
  close(): Promise<void>;
}

/** With an interval of 0 only those turns happen that are asked for. */
export function createActivity(work: () => Promise<void>, intervalMs: number): Activity {
  const bell = createBell();
  let isClosing = false;
  let underWay: Promise<void> | undefined;
  const turn = (): Promise<void> => {
    underWay ??= work().finally(() => {
      underWay = undefined;
    });
    return underWay;
  };
  const loop = async (): Promise<void> => {
    while (!isClosing) {
      await turn();
      await bell.heard(intervalMs);
    }
  };
  const running = intervalMs > 0 ? loop() : Promise.resolve();
  return {
    turn,
    ring: bell.ring,
    close: async () => {
      isClosing = true;
      bell.ring();
      await running;
      await underWay;
    },
  };
}

/** A wait that ends early when rung; a ring while nobody waits ends the next wait. */
function createBell(): { ring: () => void; heard: (timeoutMs: number) => Promise<void> } {
  let isRung = false;
  let wake: (() => void) | undefined;
  return {
    ring: () => {
      isRung = true;
      wake?.();
    },
    heard: async (timeoutMs) => {
      if (!isRung) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, timeoutMs);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      wake = undefined;
      isRung = false;
    },
  };
}

/** Ends when all have ended, so that no work of one turn goes on beside the next. */
export async function allOf(works: readonly Promise<void>[]): Promise<void> {
  for (const ended of await Promise.allSettled(works)) {
    if (ended.status === 'rejected') throw ended.reason;
  }
}

export async function forEachAtOnce<One>(
  all: readonly One[],
  atOnceMax: number,
  work: (one: One) => Promise<void>,
): Promise<void> {
  for (let start = 0; start < all.length; start += atOnceMax) {
    await allOf(all.slice(start, start + atOnceMax).map(work));
  }
}
