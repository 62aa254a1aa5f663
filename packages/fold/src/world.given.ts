import { fail } from '@paycrawl/errors/paycrawl-error';
import type { LogRecord } from '@paycrawl/event-log/event-log';
import { type Cause, isApplied } from '@paycrawl/events/envelope';
import { encodeEvent } from '@paycrawl/events/event';
import type { Caused, Fold, LogOutput, Sink } from './fold.js';
import { deadLetterOf, eventOf } from './log-sink.js';
import { createPartition, type Partition } from './partition.js';
import type { Store } from './store.js';
import { tally } from './tally.given.js';

/** Everything that survives a crash: the input, the outputs and the local store. */
export interface World {
  readonly input: readonly LogRecord[];
  readonly outputs: Written[];
  readonly store: Store;
}

export interface Written {
  readonly cause: Cause;
  readonly bytes: string;
}

/** Where an owner may die: before or after each of its effects, and in the middle of a batch. */
export const crashSteps = [
  'before the outputs are written',
  'while the outputs are written',
  'after the outputs are written, before the answer',
  'before the state is stored',
  'after the state is stored, before the answer',
] as const;
export type CrashStep = (typeof crashSteps)[number];

/** Passes a step, or dies there. */
export type Pass = (step: CrashStep) => void;

export class Crash extends Error {}

export function survives(): void {}

/** Dies at the nth time that the step is passed. */
export function crashAt(step: CrashStep, times: number): Pass {
  let left = times;
  return (passed) => {
    if (passed !== step || --left > 0) return;
    throw new Crash(step);
  };
}

export function worldOf(input: readonly LogRecord[], store: Store): World {
  return { input, outputs: [], store };
}

export interface LiveOptions {
  readonly batchRecords?: number;
  /** How long the log takes to acknowledge, in microtasks: the fold runs ahead meanwhile. */
  readonly sinkTicks?: number;
  readonly fold?: Fold<LogOutput>;
}

/** One life of an owner: until everything is folded, durable and stored, or until it dies. */
export async function live(
  world: World,
  pass: Pass,
  options: LiveOptions = {},
): Promise<'done' | 'dead'> {
  let broken: unknown;
  const partition = createPartition<LogOutput>({
    fold: options.fold ?? tally,
    partition: 0,
    store: crashingStore(world, pass),
    sink: crashingSink(world, pass, options.sinkTicks ?? 1),
    deadLetter: deadLetterOf('test'),
    onBroken: (error) => {
      broken = error;
    },
  });
  try {
    await foldAll(world, partition, options.batchRecords ?? 5);
    return 'done';
  } catch (error) {
    if (error instanceof Crash || broken instanceof Crash) return 'dead';
    throw error;
  }
}

async function foldAll(
  { input }: World,
  partition: Partition<LogOutput>,
  batchRecords: number,
): Promise<void> {
  for (let at = partition.nextOffset; at < input.length; at += batchRecords) {
    await partition.fold(input.slice(at, at + batchRecords));
    await partition.checkpoint();
  }
  await partition.drained();
  await partition.checkpoint();
  await partition.checkpoint();
}

function crashingSink({ outputs }: World, pass: Pass, ticks: number): Sink<LogOutput> {
  return {
    async write(batch) {
      for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
      pass('before the outputs are written');
      for (const [index, caused] of batch.entries()) {
        if (index === batch.length >> 1) pass('while the outputs are written');
        outputs.push(writtenOf(caused));
      }
      pass('after the outputs are written, before the answer');
    },
    close: async () => {},
  };
}

export function writtenOf(caused: Caused<LogOutput>): Written {
  const event = eventOf(caused.output, { ...caused, source: 'verifier' });
  return { cause: caused.cause, bytes: encodeEvent(event).toString() };
}

/** Also holds the rule that a position is stored only when its outputs are written. */
function crashingStore({ store, outputs, input }: World, pass: Pass): Store {
  return {
    ...store,
    async write(expected, next, writes) {
      pass('before the state is stored');
      const last = outputs.at(-1)?.cause[2] ?? -1;
      const isBehind = expectedOutputs(input).some(
        ({ cause }) => cause[2] < next.nextOffset && cause[2] > last,
      );
      if (isBehind) throw fail('internal', `stored ${next.nextOffset}, written up to ${last}`);
      await store.write(expected, next, writes);
      pass('after the state is stored, before the answer');
    },
  };
}

const expected = new WeakMap<readonly LogRecord[], readonly Written[]>();

/** What an owner that never dies writes; set once per input by `rememberExpected`. */
export function expectedOutputs(input: readonly LogRecord[]): readonly Written[] {
  return expected.get(input) ?? [];
}

export function rememberExpected(input: readonly LogRecord[], outputs: readonly Written[]): void {
  expected.set(input, outputs);
}

/** What a consumer keeps: first appearances; a repetition must be the same bytes. */
export function consumed(outputs: readonly Written[]): Written[] {
  const kept: Written[] = [];
  const known = new Map<string, string>();
  let applied: { offset: number; index: number } | undefined;
  for (const output of outputs) {
    const id = output.cause.join('/');
    const before = known.get(id);
    if (before !== undefined && before !== output.bytes) {
      throw fail('internal', `two owners differ at ${id}: ${before} and ${output.bytes}`);
    }
    known.set(id, output.bytes);
    if (isApplied(applied, output.cause)) continue;
    applied = { offset: output.cause[2], index: output.cause[3] };
    kept.push(output);
  }
  return kept;
}

export function bytesOf(store: Store): string {
  const { position, entries } = store.snapshot();
  const lines = [...entries].map(([key, value]) => `${key}=${value.toString('hex')}`);
  return [JSON.stringify(position), ...lines].join('\n');
}
