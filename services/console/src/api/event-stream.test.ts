import { expect, test } from 'vitest';
import { splitEvents } from './event-stream.js';

test('behavior: complete events come out, the rest waits', () => {
  const { events, rest } = splitEvents('event: revenue\ndata: {"a":1}\n\nevent: rev');
  expect(events).toEqual([{ event: 'revenue', data: '{"a":1}' }]);
  expect(rest).toBe('event: rev');
});

test('behavior: data lines join, comments and ids pass by, an event without data is none', () => {
  const { events } = splitEvents(': still here\n\nid: 7\ndata: a\ndata:b\n\nevent: empty\n\n');
  expect(events).toEqual([{ event: 'message', data: 'a\nb' }]);
});

test('behavior: all three line ends of the standard are read', () => {
  expect(splitEvents('data: a\r\n\r\n').events).toEqual([{ event: 'message', data: 'a' }]);
  expect(splitEvents('data: a\r\rdata: b\r\r ').events).toHaveLength(2);
});
