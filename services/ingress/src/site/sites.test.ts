import type { RegistryEvent } from '@paycrawl/events/event';
import { expect, test } from 'vitest';
import { createSites } from './sites.js';
import { knownTokens, tokenLookup } from './token.js';

function make() {
  const unusable: string[] = [];
  const sites = createSites({
    tokenOf: tokenLookup(knownTokens),
    onUnusable: (publisherId) => unusable.push(publisherId),
  });
  const apply = (event: Pick<RegistryEvent, 'type' | 'data'>) =>
    sites.apply({ ...event, id: 'x', source: 'test', timeMs: 0 } as RegistryEvent);
  return { sites, apply, unusable };
}

const registered = (over: Record<string, unknown> = {}) => ({
  type: 'PublisherRegistered' as const,
  data: {
    publisherId: 'p1',
    name: 'One',
    hosts: ['One.example'],
    origin: 'http://10.0.0.1:8080/ignored',
    network: 'eip155:84532',
    asset: knownTokens[0]?.asset ?? '',
    payTo: `0x${'ab'.repeat(20)}`,
    ...over,
  },
});
const bookOf = (version: number, price: string) => ({
  type: 'PriceBookReplaced' as const,
  data: {
    publisherId: 'p1',
    version,
    book: { rules: [{ id: 'all', path: '/**', crawlers: 'everyone', price }] },
  },
});

test('behavior: a site is found by its host in any case, and only its origin is asked', () => {
  const { sites, apply } = make();
  apply(registered());
  expect(sites.byHost('one.EXAMPLE:80')).toMatchObject({ origin: 'http://10.0.0.1:8080' });
  expect(sites.byHost('two.example')).toBe(undefined);
  expect(sites.byHost('')).toBe(undefined);
});

test('behavior: a host that a publisher gave up is no longer served', () => {
  const { sites, apply } = make();
  apply(registered());
  apply(registered({ hosts: ['new.example'] }));
  expect(sites.byHost('one.example')).toBe(undefined);
  expect(sites.byHost('new.example')?.publisherId).toBe('p1');
});

test('behavior: a book that cannot be used leaves the one in force', () => {
  const { sites, apply, unusable } = make();
  apply(registered());
  apply(bookOf(1, 'USD 0.001'));
  apply(bookOf(2, 'one dollar'));
  expect(unusable).toEqual(['p1']);
  expect(sites.byHost('one.example')?.bookVersion).toBe(1);
  apply({ type: 'PublisherFrozen', data: { publisherId: 'p1', reason: 'r' } });
  expect(sites.byHost('one.example')?.isFrozen).toBe(true);
  apply(bookOf(3, 'USD 0.002'));
  expect(sites.byHost('one.example')?.bookVersion).toBe(3);
});

test('behavior: of two replacements of one version the first in the log is in force', () => {
  const { sites, apply } = make();
  apply(registered());
  apply(bookOf(1, 'USD 0.001'));
  apply(bookOf(2, 'USD 0.002'));
  const inForce = sites.byHost('one.example')?.book;
  apply(bookOf(2, 'USD 0.003'));
  apply(bookOf(4, 'USD 0.004'));
  expect(sites.byHost('one.example')?.book).toBe(inForce);
});

test('behavior: freezes, withdrawals and margins follow the registry', () => {
  const { sites, apply } = make();
  apply(registered());
  apply({ type: 'PublisherFrozen', data: { publisherId: 'p1', reason: 'r' } });
  expect(sites.byHost('one.example')?.isFrozen).toBe(true);
  apply({ type: 'PublisherUnfrozen', data: { publisherId: 'p1', reason: 'r' } });
  expect(sites.byHost('one.example')?.isFrozen).toBe(false);
  apply({ type: 'OfferWithdrawn', data: { dialect: 'x402-v1-exact', reason: 'r' } });
  expect(sites.isWithdrawn('x402-v1-exact')).toBe(true);
  apply({ type: 'OfferRestored', data: { dialect: 'x402-v1-exact', reason: 'r' } });
  expect(sites.isWithdrawn('x402-v1-exact')).toBe(false);
  const measured = {
    network: 'eip155:84532',
    queueCharges: 0,
    ratePerMinute: 0,
    slowestConfirmationMs: 0,
    clockDifferenceMs: 0,
    gasCostWeiPerCharge: '0',
  };
  apply({ type: 'SettlementMeasured', data: { ...measured, partition: 0, marginS: 90 } });
  apply({ type: 'SettlementMeasured', data: { ...measured, partition: 1, marginS: 50 } });
  expect(sites.marginS()).toBe(90);
});

test('behavior: a publisher with an unknown asset has no token to pay in', () => {
  const { sites, apply } = make();
  apply(registered({ asset: `0x${'99'.repeat(20)}` }));
  apply(bookOf(1, 'USD 0.001'));
  expect(sites.byHost('one.example')).toMatchObject({ token: undefined, bookVersion: 1 });
});
