import type { AnyEvent } from '@paycrawl/events/event';
import { describe, expect, it } from 'vitest';
import { createLocalWakeups } from './wakeups.js';

const event: AnyEvent = {
  type: 'RecordIgnored',
  id: 'payments.1/0/1/0',
  source: 'verifier',
  timeMs: 1,
  data: { payer: 'eip155:1:0xa', recordType: 'CrawlDelivered', offset: 1, reason: 'test' },
};

describe('local wake-ups', () => {
  it('behavior: news reaches every subscriber of that ingress and nobody else', () => {
    const wakeups = createLocalWakeups();
    const seen: string[] = [];
    wakeups.subscribe('a', () => seen.push('a1'));
    wakeups.subscribe('a', () => seen.push('a2'));
    wakeups.subscribe('b', () => seen.push('b'));
    wakeups.publish('a', [event]);
    expect(seen).toEqual(['a1', 'a2']);
  });

  it('behavior: an ended subscription hears nothing more, also when ended twice', () => {
    const wakeups = createLocalWakeups();
    const seen: string[] = [];
    const listener = () => void seen.push('x');
    const end = wakeups.subscribe('a', listener);
    wakeups.subscribe('a', listener);
    end();
    end();
    wakeups.publish('a', [event]);
    expect(seen).toEqual(['x']);
  });

  it('behavior: news without subscribers is dropped', () => {
    expect(() => createLocalWakeups().publish('nobody', [event])).not.toThrow();
  });

  it('behavior: a subscriber that throws harms neither the publisher nor the others', () => {
    const errors: unknown[] = [];
    const wakeups = createLocalWakeups({ onSubscriberError: (error) => errors.push(error) });
    const seen: AnyEvent[] = [];
    wakeups.subscribe('a', () => {
      throw new TypeError('broken subscriber');
    });
    wakeups.subscribe('a', (events) => void seen.push(...events));
    wakeups.publish('a', [event]);
    expect(seen).toEqual([event]);
    expect(errors).toHaveLength(1);
  });
});
