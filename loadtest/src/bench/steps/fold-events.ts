import { fail } from '@paycrawl/errors/paycrawl-error';
import type { Cause } from '@paycrawl/events/envelope';
import { type AnyEvent, type EventTopic, encodeEvent } from '@paycrawl/events/event';
import { physicalTopic } from '@paycrawl/events/topics';
import type { Caused, Fold, LogOutput } from '@paycrawl/fold/fold';
import { eventOf } from '@paycrawl/fold/log-sink';
import { applyEvent } from '@paycrawl/fold/partition';
import { createMemoryStore } from '@paycrawl/fold/store';
import { createWorking, type Writes } from '@paycrawl/fold/view';

/** A fold over events that are decoded already: what the rules and the state in memory cost. */
export interface Folding<Out> {
  feed(events: readonly AnyEvent[]): Caused<Out>[];
  /** What a checkpoint would store. */
  cut(): Writes;
}

export function openFolding<Out>(
  fold: Fold<Out>,
  /** Of the whole fold, or of each event: when the log took it. */
  time: number | ((event: AnyEvent) => number),
): Folding<Out> {
  const working = createWorking<Out>(createMemoryStore(), { isSettledLater: true });
  const topic = physicalTopic(fold.input);
  let offset = 0;
  const nowOf = typeof time === 'number' ? () => time : time;
  return {
    feed(events) {
      const outputs: Caused<Out>[] = [];
      for (const event of events) {
        const nowMs = nowOf(event);
        working.begin(nowMs);
        const key = 'payer' in event.data ? (event.data.payer as string) : '';
        applyEvent(fold, working, event, { partition: 0, offset, key });
        let index = 0;
        for (const output of working.keep()) {
          const cause: Cause = [topic, 0, offset, index++];
          outputs.push({ output, cause, nowMs, trace: undefined });
        }
        offset += 1;
      }
      fold.settle?.(working.view);
      let index = outputs.length;
      for (const output of working.keep()) {
        const cause: Cause = [topic, 0, offset - 1, index++];
        outputs.push({ output, cause, nowMs: working.view.nowMs, trace: undefined });
      }
      return outputs;
    },
    cut: () => working.cut(),
  };
}

/** Outputs of one topic as those who read it see them. */
export function eventsIn(
  outputs: readonly Caused<LogOutput>[],
  topic: EventTopic,
  source: string,
): AnyEvent[] {
  return outputs
    .filter(({ output }) => output.topic === topic)
    .map(({ output, ...caused }) => eventOf(output, { ...caused, source }));
}

/** A bench that folds something else than paid crawls measures something else. */
export function requireTypes(events: readonly AnyEvent[], types: readonly string[]): void {
  const found = [...new Set(events.map(({ type }) => type as string))].sort();
  const wanted = [...types].sort();
  if (found.join() === wanted.join()) return;
  throw fail('bench_failed', `expected ${wanted.join(', ')}, got ${found.join(', ')}`);
}

export function encodeAll(events: readonly AnyEvent[]): Buffer[] {
  return events.map(encodeEvent);
}
