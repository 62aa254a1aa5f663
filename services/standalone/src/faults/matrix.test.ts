import { expect, test } from 'vitest';
import { type MatrixLine, renderDocument } from './matrix.js';

const none = { requests: 0, paid: 0, statuses: {}, refusals: {}, broken: {} };
const line = (row: string, name: string, note: string): MatrixLine => ({
  ...{ row, case: name, figures: { note }, charges: 0, verdict: 'clean', seconds: 1 },
  load: { ...none, withoutRetryAfter: 0 },
});
const measured = { seed: 7, patience: 1, machine: 'm', node: 'v' };
const rowsIn = (document: string) =>
  document
    .split('\n')
    .filter((text) => text.startsWith('| '))
    .slice(2)
    .map((text) => text.split(' | ').filter((_, i) => [0, 1, 10, 11].includes(i)));

test('behavior: a run of a few rows renews these and leaves the others with their commit', () => {
  const all = [line('kill', 'a:1', 'one'), line('kill', 'b:2', 'two'), line('cut', 'c', 'three')];
  const first = renderDocument(all, { ...measured, commit: 'old' }, '');
  expect(rowsIn(first)).toHaveLength(3);
  const again = [line('kill', 'a:4', 'four')];
  expect(rowsIn(renderDocument(again, { ...measured, commit: 'new' }, first))).toEqual([
    ['| kill', 'a:4', 'four', 'new, 7, × 1 |'],
    ['| kill', 'b:2', 'two', 'old, 7, × 1 |'],
    ['| cut', 'c', 'three', 'old, 7, × 1 |'],
  ]);
  expect(rowsIn(renderDocument(again, { ...measured, commit: 'new' }, ''))).toHaveLength(1);
});
