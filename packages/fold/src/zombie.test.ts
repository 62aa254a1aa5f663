import type { LogRecord } from '@paycrawl/event-log/event-log';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogOutput } from './fold.js';
import { deadLetterOf } from './log-sink.js';
import { createPartition } from './partition.js';
import { createMemoryStore } from './store.js';
import { stories, tally } from './tally.given.js';
import { consumed, type Written, writtenOf } from './world.given.js';

/** Owners of one partition at once, each with its own store, all writing to one log. */
function ownerOf(input: readonly LogRecord[], log: Written[]) {
  const store = createMemoryStore();
  let acknowledge: (() => void) | undefined;
  const mine: Written[] = [];
  const begin = () =>
    createPartition<LogOutput>({
      fold: tally,
      partition: 0,
      store,
      sink: {
        async write(outputs) {
          await new Promise<void>((resolve) => {
            acknowledge = resolve;
          });
          for (const output of outputs.map(writtenOf)) {
            log.push(output);
            mine.push(output);
          }
        },
        close: async () => {},
      },
      deadLetter: deadLetterOf('test'),
      onBroken: () => {},
    });
  let partition = begin();
  let at = 0;
  return {
    mine,
    async step(kind: 'fold' | 'write' | 'store' | 'restart', size: number): Promise<void> {
      if (kind === 'fold') {
        const records = input.slice(at, at + size);
        at += records.length;
        await partition.fold(records);
      }
      if (kind === 'write') {
        acknowledge?.();
        acknowledge = undefined;
        for (let turn = 0; turn < 5; turn++) await Promise.resolve();
      }
      if (kind === 'store') await partition.checkpoint();
      if (kind === 'restart') {
        // Its write may still come into the log later: `acknowledge` is kept.
        partition = begin();
        at = partition.nextOffset;
      }
    },
    async finish(): Promise<void> {
      while (at < input.length) await this.step('fold', input.length);
      for (let turn = 0; turn < 10; turn++) await this.step('write', 0);
      await partition.drained();
    },
  };
}

describe('a partition with several owners', () => {
  it('property: whatever they do in whatever order, consumers see one history', async () => {
    const step = fc.record({
      who: fc.nat({ max: 1 }),
      kind: fc.constantFrom('fold', 'fold', 'write', 'write', 'store', 'restart'),
      size: fc.integer({ min: 1, max: 6 }),
    });
    const schedule = fc.array(step, { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(stories, schedule, async (input, steps) => {
        const alone: Written[] = [];
        await ownerOf(input, alone).finish();
        const log: Written[] = [];
        const owners = [ownerOf(input, log), ownerOf(input, log)];
        const isPrefix = () => {
          const seen = consumed(log);
          expect(seen).toEqual(alone.slice(0, seen.length));
        };
        for (const { who, kind, size } of steps) {
          await owners[who]?.step(kind as 'fold', size);
          isPrefix();
        }
        for (const owner of owners) {
          await owner.finish();
          isPrefix();
        }
        expect(consumed(log)).toEqual(alone);
      }),
      { numRuns: 300 },
    );
  });

  it('property: two owners from the beginning write equal bytes', async () => {
    await fc.assert(
      fc.asyncProperty(stories, async (input) => {
        const [a, b]: [Written[], Written[]] = [[], []];
        await ownerOf(input, a).finish();
        await ownerOf(input, b).finish();
        expect(b).toEqual(a);
      }),
    );
  });
});
