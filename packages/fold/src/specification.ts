import type { Cause } from '@paycrawl/events/envelope';
import type { AnyEvent, EventOfType, EventType } from '@paycrawl/events/event';
import type { Fold } from './fold.js';
import { applyEvent } from './partition.js';
import { createMemoryStore, type Store } from './store.js';
import { createWorking } from './view.js';

/** given / when / then for a fold, without a log: feed events at log times, get the outputs. */
export interface Specification<Out> {
  /**
   * Folds one event at `atMs`; returns what it emits. As in the runtime, a repeated cause is
   * dropped, and a typed error parks where the fold has a hook.
   */
  feed<Type extends EventType>(
    type: Type,
    data: EventOfType<Type>['data'],
    options?: { atMs?: number; key?: string; cause?: Cause; trace?: string },
  ): Out[];
  get<Value>(key: string): Value | undefined;
  range<Value>(prefix: string): [string, Value][];
  /** Everything through the store's encoding and back, as after a restart. */
  restart(): Promise<void>;
  /** The whole state as bytes, for comparisons. */
  bytes(): Promise<string>;
  earliestTimerMs(): number | undefined;
}

export function specify<Out>(fold: Fold<Out>, partition = 0): Specification<Out> {
  const store: Store = createMemoryStore();
  let working = createWorking<Out>(store);
  let offset = 0;
  let nowMs = 0;

  async function flush(): Promise<void> {
    await store.write(store.position(), { nextOffset: offset, nowMs }, working.cut());
    working.cutStored();
  }

  return {
    feed(type, data, { atMs = nowMs, key = '', cause, trace } = {}) {
      nowMs = Math.max(nowMs, atMs);
      const id = `test/${offset}`;
      const event = { type, id, source: 'test', timeMs: atMs, trace, data: freeze(data) };
      working.begin(nowMs);
      const whole = (cause === undefined ? event : { ...event, cause }) as AnyEvent;
      try {
        applyEvent(fold, working, whole, { partition, offset: offset++, key });
      } catch (error) {
        working.undo();
        throw error;
      }
      return working.keep();
    },
    get: (key) => working.view.get(key),
    range: (prefix) => working.view.range(prefix),
    async restart() {
      await flush();
      working = createWorking<Out>(store);
      working.begin(nowMs);
    },
    async bytes() {
      await flush();
      return [...store.snapshot().entries]
        .map(([key, value]) => `${key}=${value.toString('hex')}`)
        .join();
    },
    earliestTimerMs: () => working.earliestTimerMs(),
  };
}

/** Entities and inputs are immutable values: a fold that mutates one throws here. */
function freeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const part of Object.values(value)) freeze(part);
  return Object.freeze(value);
}
