import { fail } from '@paycrawl/errors/paycrawl-error';
import type { LogRecord } from '@paycrawl/event-log/event-log';
import type { Cause } from '@paycrawl/events/envelope';
import { type AnyEvent, encodeEvent } from '@paycrawl/events/event';
import fc from 'fast-check';
import type { Fold, LogOutput, View } from './fold.js';

/**
 * A fold for tests: `PayerFrozen` carries a command as its reason, outputs are `RecordIgnored`.
 * - `add <n>` counts and emits n outputs · `drop` deletes the entity · `sum` tells every entity
 * - `wake <ms>` sets a timer · `calm <ms>` clears it · `TimePassed` tells at most two due ones
 * - `refuse` fails with a typed error after it wrote · `break` throws something else
 */
export const tally: Fold<LogOutput> = {
  name: 'verifier',
  input: 'payments',
  apply(view, event, { offset }) {
    if (event.type === 'TimePassed') {
      for (const key of view.takeDueTimers(2)) tell(view, key, offset, `woke at ${view.nowMs}`);
    }
    if (event.type === 'PayerFrozen') obey(view, event.data.payer, event.data.reason, offset);
  },
  park(view, event, { offset }, code) {
    const { payer } = event.data as { payer: string };
    view.set(`parked/${payer}`, code);
    view.emit({
      topic: 'decisions',
      key: payer,
      type: 'PayerParked',
      data: { payer, code, offset },
    });
  },
};

function obey(view: View<LogOutput>, payer: string, command: string, offset: number): void {
  const [verb, argument = '0'] = command.split(' ');
  const amount = Number.parseInt(argument, 10);
  const key = `n/${payer}`;
  const before = view.get<{ count: number; total: bigint }>(key) ?? { count: 0, total: 0n };
  const after = { count: before.count + 1, total: before.total + BigInt(amount) };
  if (verb === 'add' || verb === 'refuse' || verb === 'break') view.set(key, after);
  if (verb === 'drop') view.delete(key);
  if (verb === 'wake') view.setTimer(payer, view.nowMs + amount);
  if (verb === 'calm') view.clearTimer(payer, view.nowMs + amount);
  if (verb === 'add') {
    for (let n = 0; n < amount; n++) tell(view, payer, offset, `${after.count}.${n}`);
  }
  if (verb === 'sum') {
    const entities = view.range<typeof after>('n/');
    const text = entities.map(([name, { count, total }]) => `${name}=${count}/${total}`).join(' ');
    tell(view, payer, offset, text);
  }
  if (verb === 'refuse') {
    view.setTimer(payer, 0);
    throw fail('money_negative', 'refused');
  }
  if (verb === 'break') throw new RangeError('broken');
}

function tell(view: View<LogOutput>, payer: string, offset: number, reason: string): void {
  view.emit({
    topic: 'decisions',
    key: payer,
    type: 'RecordIgnored',
    data: { payer: `eip155:1:${payer}`, recordType: 'PayerFrozen', offset, reason },
  });
}

export interface Given {
  readonly payer: string;
  readonly command: string;
  readonly timestampMs: number;
  readonly cause?: Cause;
}

export function eventGiven({ payer, command, timestampMs, cause }: Given): AnyEvent {
  const data =
    command === 'time' ? {} : { payer: payer as `${string}:${string}:${string}`, reason: command };
  const type = command === 'time' ? 'TimePassed' : 'PayerFrozen';
  const identity = cause === undefined ? { id: 'test' } : { id: '', cause };
  return { type, source: 'test', timeMs: timestampMs, ...identity, data } as AnyEvent;
}

export function recordsGiven(given: readonly Given[]): LogRecord[] {
  return given.map((one, offset) => ({
    topic: 'payments.1',
    partition: 0,
    key: one.payer,
    value: encodeEvent(eventGiven(one)),
    offset,
    timestampMs: one.timestampMs,
  }));
}

export function given(payer: string, command: string, timestampMs = 1000): Given {
  return { payer: `eip155:1:${payer}`, command, timestampMs };
}

const command = fc.oneof(
  { weight: 6, arbitrary: fc.nat({ max: 3 }).map((n) => `add ${n}`) },
  { weight: 2, arbitrary: fc.constant('sum') },
  { weight: 1, arbitrary: fc.constant('drop') },
  { weight: 1, arbitrary: fc.constant('refuse') },
  { weight: 2, arbitrary: fc.nat({ max: 50 }).map((ms) => `wake ${ms}`) },
  { weight: 1, arbitrary: fc.nat({ max: 50 }).map((ms) => `calm ${ms}`) },
  { weight: 2, arbitrary: fc.constant('time') },
);

/** Any story of a few payers, some of it repeated by its writer. */
export const stories: fc.Arbitrary<LogRecord[]> = fc
  .array(
    fc.record({
      payer: fc.constantFrom('a', 'b', 'c', 'd'),
      command,
      stepMs: fc.nat({ max: 30 }),
      repeats: fc.boolean(),
    }),
    { maxLength: 40 },
  )
  .map((steps) => {
    let timestampMs = 1000;
    const story = steps.flatMap(({ payer, command: verb, stepMs, repeats }, offset) => {
      timestampMs += stepMs;
      if (!repeats) return [given(payer, verb, timestampMs)];
      const cause: Cause = ['charges.1', 0, offset, 0];
      const one = { ...given(payer, verb, timestampMs), cause };
      return [one, one];
    });
    return recordsGiven(story);
  });
