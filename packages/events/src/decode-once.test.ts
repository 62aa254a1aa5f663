import { describe, expect, it } from 'vitest';
import { decodeOnce, handOver } from './decode-once.js';
import { type Golden, goldens } from './event.given.js';
import { type AnyEvent, decodeEvent, encodeEvent } from './event.js';

const [{ value }, { value: otherValue }] = goldens() as [Golden, Golden];

describe('bytes that several folds read', () => {
  it('behavior: they are decoded once, a copy of them again', () => {
    const first = decodeOnce(value);
    expect(first).toEqual(decodeEvent(value));
    expect(decodeOnce(value)).toBe(first);
    expect(decodeOnce(Buffer.from(value))).not.toBe(first);
  });

  it('behavior: bytes that cannot be read stay so', () => {
    const torn = value.subarray(1);
    expect(decodeOnce(torn).kind).toBe('unreadable');
    expect(decodeOnce(torn)).toBe(decodeOnce(torn));
  });

  it('behavior: what nobody asks for twice is not kept, until somebody does', () => {
    const fresh = (count: number) => Array.from({ length: count }, () => Buffer.from(value));
    const keptOf = (all: readonly Buffer[]) => {
      const decoded = all.map((bytes) => decodeOnce(bytes));
      return all.filter((bytes, i) => decodeOnce(bytes) === decoded[i]);
    };
    for (const bytes of fresh(600)) decodeOnce(bytes);
    expect(keptOf(fresh(16))).toHaveLength(1);
    expect(keptOf(fresh(500))).toHaveLength(500);
  });

  it('behavior: readers get the event that its writer handed over, while somebody asks', () => {
    const handed = (count: number) =>
      Array.from({ length: count }, () => {
        const event = decodeEvent(otherValue) as { kind: 'event'; event: AnyEvent };
        const bytes = encodeEvent(event.event);
        handOver(bytes, event.event);
        return { bytes, event };
      });
    const isGiven = ({ bytes, event }: ReturnType<typeof handed>[number]) => {
      const read = decodeOnce(bytes);
      expect(read).toEqual(event);
      return read.kind === 'event' && read.event === event.event;
    };
    expect(handed(500).filter(isGiven)).toHaveLength(500);
    handed(600);
    expect(handed(16).filter(isGiven)).toHaveLength(1);
  });

  it('property: whatever was decoded in between, they give their own event', () => {
    const copies = Array.from({ length: 3 }, () => goldens().map((one) => Buffer.from(one.value)));
    const all = Array.from({ length: 12 }, () => copies).flat(2);
    for (const bytes of all) expect(decodeOnce(bytes)).toEqual(decodeEvent(bytes));
    const many = Array.from({ length: 9000 }, (_, i) => copies[0]?.[i % 50] as Buffer);
    for (const bytes of many.map((one) => Buffer.from(one))) decodeOnce(bytes);
    for (const bytes of all) expect(decodeOnce(bytes)).toEqual(decodeEvent(bytes));
  });
});
