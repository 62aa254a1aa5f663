import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ServerSentEvent, splitEvents } from './event-stream.js';

const line = fc.stringMatching(/^[ -~]{0,20}$/);
const block = fc
  .tuple(fc.constantFrom('revenue', 'other'), fc.array(line, { minLength: 1, maxLength: 3 }))
  .map(([event, data]) => ({ event, data: data.join('\n') }));

function printed({ event, data }: ServerSentEvent, end: string): string {
  const lines = [`event: ${event}`, ...data.split('\n').map((part) => `data: ${part}`)];
  return lines.join(end) + end + end;
}

test('property: events come out whole and in order however the bytes were cut', () => {
  fc.assert(
    fc.property(
      fc.array(block, { maxLength: 5 }),
      fc.constantFrom('\n', '\r\n'),
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 20 }),
      (sent, end, cuts) => {
        const stream = sent.map((event) => printed(event, end)).join('');
        const heard: ServerSentEvent[] = [];
        let buffered = '';
        for (let at = 0, turn = 0; at < stream.length; turn += 1) {
          const length = cuts[turn % cuts.length] ?? 1;
          const { events, rest } = splitEvents(buffered + stream.slice(at, at + length));
          heard.push(...events);
          buffered = rest;
          at += length;
        }
        expect(heard).toEqual(sent);
      },
    ),
  );
});

test('property: no text makes the splitter throw', () => {
  fc.assert(fc.property(fc.string(), (text) => Array.isArray(splitEvents(text).events)));
});
