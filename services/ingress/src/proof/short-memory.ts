/** Facts about payers that are true for a moment; forgetting one costs a question, nothing else. */
export interface ShortMemory<Fact> {
  remember(key: string, fact: Fact): void;
  recall(key: string): Fact | undefined;
}

export interface ShortMemoryOptions {
  readonly forMs: number;
  readonly entriesMax: number;
  readonly nowMs: () => number;
}

export function createShortMemory<Fact>(options: ShortMemoryOptions): ShortMemory<Fact> {
  const entries = new Map<string, { readonly fact: Fact; readonly untilMs: number }>();
  return {
    remember(key, fact) {
      // Entries live equally long, so the first of the Map is the oldest.
      entries.delete(key);
      if (entries.size >= options.entriesMax) {
        for (const oldest of entries.keys()) {
          entries.delete(oldest);
          break;
        }
      }
      entries.set(key, { fact, untilMs: options.nowMs() + options.forMs });
    },
    recall(key) {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      if (options.nowMs() < entry.untilMs) return entry.fact;
      entries.delete(key);
      return undefined;
    },
  };
}
