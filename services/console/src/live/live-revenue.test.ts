import { expect, test } from 'vitest';
import { live as narrowLive } from '../api/answers.js';
import { ApiError, unexpectedAnswer, unreachable } from '../api/api-error.js';
import * as Recorded from '../recorded-answers.js';
import { afterBreak, connecting, liveOf, waitMsAfter } from './live-revenue.js';

const live = narrowLive(Recorded.live('1284700'), 'live');

test('behavior: a break keeps the figures read last and says that they are old', () => {
  const state = afterBreak({ status: 'live', live }, unreachable(undefined));
  expect(state.status).toBe('broken');
  expect(liveOf(state)).toBe(live);
  const again = afterBreak(state, unreachable(undefined));
  expect(liveOf(again)).toBe(live);
});

test('behavior: a break before the first figure shows none', () => {
  expect(liveOf(afterBreak(connecting, unreachable(undefined)))).toBeNull();
});

test('behavior: what asking again cannot mend stops the stream', () => {
  const forbidden = new ApiError({ code: 'forbidden', title: 'Not allowed', status: 403 });
  expect(afterBreak({ status: 'live', live }, forbidden).status).toBe('stopped');
  const garbled = unexpectedAnswer('event.today is not an object', 200);
  expect(afterBreak(connecting, garbled).status).toBe('stopped');
});

test('behavior: waits double from a second up to a bound', () => {
  expect([1, 2, 3, 4, 5, 50].map(waitMsAfter)).toEqual([1000, 2000, 4000, 8000, 15000, 15000]);
});
