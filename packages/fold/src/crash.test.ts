import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { createMemoryStore, openStore, type Store } from './store.js';
import { given, recordsGiven, stories } from './tally.given.js';
import {
  bytesOf,
  consumed,
  crashAt,
  crashSteps,
  live,
  rememberExpected,
  survives,
  worldOf,
} from './world.given.js';

const directory = mkdtempSync(join(tmpdir(), 'paycrawl-fold-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
let opened = 0;

const stores: [string, () => Store][] = [
  ['memory', createMemoryStore],
  ['lmdb', () => openStore(join(directory, String(opened++)))],
];

const story = recordsGiven(
  Array.from({ length: 24 }, (_, n) =>
    given('abc'.charAt(n % 3), n % 5 === 4 ? 'sum' : `add ${n % 4}`, 1000 + n),
  ),
);

async function undisturbed(input: typeof story) {
  const world = worldOf(input, createMemoryStore());
  expect(await live(world, survives)).toBe('done');
  rememberExpected(input, world.outputs);
  return world;
}

describe.each(stores)('a crash, state in %s', (_name, createStore) => {
  it.each(crashSteps)('behavior: %s: every output stands once and in order', async (step) => {
    const reference = await undisturbed(story);
    for (let times = 1; times <= 5; times++) {
      const world = worldOf(story, createStore());
      expect(await live(world, crashAt(step, times))).toBe('dead');
      expect(await live(world, survives)).toBe('done');
      expect(consumed(world.outputs)).toEqual(reference.outputs);
      expect(bytesOf(world.store)).toBe(bytesOf(reference.store));
      await world.store.close();
    }
  });
});

describe('many crashes', () => {
  it('property: any story with any crashes gives the outputs and state of none', async () => {
    const crash = fc.record({
      step: fc.constantFrom(...crashSteps),
      times: fc.integer({ min: 1, max: 4 }),
      batchRecords: fc.integer({ min: 1, max: 7 }),
      sinkTicks: fc.integer({ min: 1, max: 30 }),
    });
    await fc.assert(
      fc.asyncProperty(stories, fc.array(crash, { maxLength: 6 }), async (input, crashes) => {
        const reference = await undisturbed(input);
        const world = worldOf(input, createMemoryStore());
        for (const { step, times, ...pace } of crashes) {
          await live(world, crashAt(step, times), pace);
        }
        expect(await live(world, survives, { batchRecords: 2, sinkTicks: 20 })).toBe('done');
        expect(consumed(world.outputs)).toEqual(reference.outputs);
        expect(bytesOf(world.store)).toBe(bytesOf(reference.store));
      }),
      { numRuns: 300 },
    );
  });

  it('property: a restart at any position leaves no mark', async () => {
    await fc.assert(
      fc.asyncProperty(stories, fc.array(fc.nat(), { maxLength: 5 }), async (input, cuts) => {
        const reference = await undisturbed(input);
        const world = worldOf(input, createMemoryStore());
        const ends = cuts.map((cut) => cut % (input.length + 1)).sort((a, b) => a - b);
        for (const end of ends) {
          const pace = { batchRecords: 3, sinkTicks: 20 };
          await live({ ...world, input: input.slice(0, end) }, survives, pace);
        }
        await live(world, survives);
        expect(world.outputs).toEqual(reference.outputs);
        expect(bytesOf(world.store)).toBe(bytesOf(reference.store));
      }),
      { numRuns: 300 },
    );
  });
});
