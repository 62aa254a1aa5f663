import { fail } from '@paycrawl/errors/paycrawl-error';
import type { Caused } from './fold.js';

/** The way from a fold to its sink. */
export interface OutputWriter<Out> {
  add(outputs: readonly Caused<Out>[], nextOffset: number): void;
  /** Every output caused before this offset is durable. */
  durableOffset(): number;
  room(): Promise<void>;
  drained(): Promise<void>;
}

/** Writes outputs in order, one write in flight; after a failure nothing later is written. */
export function createOutputWriter<Out>(options: {
  write(outputs: readonly Caused<Out>[]): Promise<void>;
  startOffset: number;
  waitingMax: number;
  /** After each write. */
  onWritten?(): void;
  onBroken(error: unknown): void;
}): OutputWriter<Out> {
  let waiting: Caused<Out>[] = [];
  let waitingOffset = options.startOffset;
  let durableOffset = options.startOffset;
  let writing = false;
  let broken = false;
  let wakers: (() => void)[] = [];

  function wake(): void {
    const woken = wakers;
    wakers = [];
    for (const waker of woken) waker();
  }

  async function pump(): Promise<void> {
    writing = true;
    while (waiting.length > 0 && !broken) {
      const batch = waiting;
      const offset = waitingOffset;
      waiting = [];
      try {
        await options.write(batch);
      } catch (error) {
        broken = true;
        options.onBroken(error);
        break;
      }
      options.onWritten?.();
      durableOffset = offset;
      wake();
    }
    writing = false;
    if (!broken) durableOffset = waitingOffset;
    wake();
  }

  async function until(condition: () => boolean): Promise<void> {
    for (;;) {
      if (broken) throw fail('fold_broken', 'the outputs of this partition cannot be written');
      if (condition()) return;
      await new Promise<void>((resolve) => wakers.push(resolve));
    }
  }

  return {
    add(outputs, nextOffset) {
      for (const output of outputs) waiting.push(output);
      waitingOffset = nextOffset;
      if (writing) return;
      if (waiting.length > 0) void pump();
      else if (!broken) durableOffset = nextOffset;
    },
    durableOffset: () => durableOffset,
    room: () => until(() => waiting.length < options.waitingMax),
    drained: () => until(() => waiting.length === 0 && !writing),
  };
}
