/** Collects what a test observes and lets it wait for a condition instead of for a time. */
export interface Collector<T> {
  readonly items: readonly T[];
  add(...items: T[]): void;
  /** Ends every wait, present and future, with this error. */
  fail(error: unknown): void;
  /** Resolves as soon as the condition holds; it is asked again after every `add`. */
  until(condition: (items: readonly T[]) => boolean): Promise<void>;
}

interface Wait<T> {
  readonly condition: (items: readonly T[]) => boolean;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export function collector<T>(): Collector<T> {
  const items: T[] = [];
  const waits = new Set<Wait<T>>();
  let failure: { readonly error: unknown } | undefined;
  const ask = (wait: Wait<T>) => {
    try {
      if (failure !== undefined) throw failure.error;
      if (!wait.condition(items)) return;
      waits.delete(wait);
      wait.resolve();
    } catch (error) {
      waits.delete(wait);
      wait.reject(error);
    }
  };
  return {
    items,
    add(...more) {
      items.push(...more);
      for (const wait of waits) ask(wait);
    },
    fail(error) {
      failure = { error };
      for (const wait of waits) ask(wait);
    },
    until: (condition) =>
      new Promise((resolve, reject) => {
        const wait = { condition, resolve, reject };
        waits.add(wait);
        ask(wait);
      }),
  };
}
