import { expect, test } from 'vitest';
import { interleaved, ofCosts, ofRates } from './interleave.js';

test('behavior: both sides take turns, and who is first changes', async () => {
  const order: string[] = [];
  const side = (name: string) => () => order.push(name);
  await interleaved(3, side('ours'), side('limit'), ofRates);
  expect(order.join(' ')).toBe('ours limit limit ours ours limit');
});

test('behavior: the median of the pairs, so that one disturbed pair does not count', async () => {
  const costs = [20, 900, 20];
  const ours = () => costs.shift() ?? 0;
  expect(await interleaved(3, ours, () => 10, ofCosts)).toBe(0.5);
});

test('behavior: more is better, of costs and of rates', () => {
  expect([ofCosts(20, 10), ofRates(10, 20)]).toEqual([0.5, 0.5]);
});
