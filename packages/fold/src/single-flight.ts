export interface SingleFlight {
  (): Promise<void>;
  /** Resolves when nothing is under way, however it ended. */
  settled(): Promise<void>;
}

/** Calls that come while one is under way share it. */
export function singleFlight(work: () => Promise<void>): SingleFlight {
  let underWay: Promise<void> | undefined;
  const run = (): Promise<void> => {
    underWay ??= work().finally(() => {
      underWay = undefined;
    });
    return underWay;
  };
  return Object.assign(run, { settled: async () => underWay?.catch(() => {}) });
}

export function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => {
    done ??= work();
    return done;
  };
}
