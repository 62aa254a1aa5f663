import type { AnyEvent } from '@paycrawl/events/event';

/**
 * Best-effort news to whoever waits at an ingress (design §1): may come before the events are
 * durable (their input is), may come twice, may never come. Losing one delays and never changes
 * an outcome: who waits reads the log as well.
 */
export interface Wakeups {
  /** Never throws and never blocks. */
  publish(ingressId: string, events: readonly AnyEvent[]): void;
  /** Returns the function that ends the subscription. */
  subscribe(ingressId: string, onEvents: (events: readonly AnyEvent[]) => void): () => void;
}

/** Wake-ups as a process opens them for itself. */
export interface OpenWakeups extends Wakeups {
  /** Throws while a subscription of this process does not hear anything yet, for `/readyz`. */
  assertListening(): void;
  /** Events that were given up before they were sent. */
  dropped(): number;
  close(): Promise<void>;
}

/** Within one process: subscribers are called at once, in the order of their subscription. */
export function createLocalWakeups(
  options: { onSubscriberError?(error: unknown): void } = {},
): Wakeups {
  const subscribers = new Map<string, Set<(events: readonly AnyEvent[]) => void>>();
  return {
    publish(ingressId, events) {
      for (const onEvents of subscribers.get(ingressId) ?? []) {
        try {
          onEvents(events);
        } catch (error) {
          // One subscriber's fault must not stop the publisher, which folds money.
          options.onSubscriberError?.(error);
        }
      }
    },
    subscribe(ingressId, onEvents) {
      const own = subscribers.get(ingressId) ?? new Set();
      subscribers.set(ingressId, own);
      // A wrapper, so that one function may subscribe twice and leave once.
      const subscriber = (events: readonly AnyEvent[]) => onEvents(events);
      own.add(subscriber);
      return () => {
        own.delete(subscriber);
        if (own.size === 0 && subscribers.get(ingressId) === own) subscribers.delete(ingressId);
      };
    },
  };
}
