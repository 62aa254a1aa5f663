/** Who wants to know about new records, by topic and partition. */
export interface Waiters {
  /** Calls `listener` after each commit to the partition until unsubscribed. */
  subscribe(topic: string, partition: number, listener: () => void): () => void;
  ring(topic: string, partition: number): void;
  /** How many wait. */
  count(topic: string, partition: number): number;
  /** Wakes all readers of a topic, so that they meet by themselves what is wrong with it. */
  ringAll(topic: string): void;
  /** Topics with at least one listener, for a poller. */
  topics(): Iterable<string>;
}

export function createWaiters(): Waiters {
  const byTopic = new Map<string, Map<number, Set<() => void>>>();
  return {
    subscribe(topic, partition, listener) {
      const partitions = byTopic.get(topic) ?? new Map<number, Set<() => void>>();
      byTopic.set(topic, partitions);
      const listeners = partitions.get(partition) ?? new Set();
      partitions.set(partition, listeners);
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0) partitions.delete(partition);
        if (partitions.size === 0) byTopic.delete(topic);
      };
    },
    ring(topic, partition) {
      const listeners = byTopic.get(topic)?.get(partition);
      if (listeners === undefined) return;
      for (const listener of listeners) listener();
    },
    count: (topic, partition) => byTopic.get(topic)?.get(partition)?.size ?? 0,
    ringAll(topic) {
      for (const listeners of byTopic.get(topic)?.values() ?? []) {
        for (const listener of listeners) listener();
      }
    },
    topics: () => byTopic.keys(),
  };
}
