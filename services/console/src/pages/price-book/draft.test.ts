import { expect, test } from 'vitest';
import * as Recorded from '../../recorded-answers.js';
import { changesBetween, isUnchanged } from './changes.js';
import { bookOf, draftOf, withNewRule, withoutRule, withRule, withRuleMoved } from './draft.js';
import { countProblems, problemFromApi, problemsOf } from './draft-problems.js';
import { isWhollyKnown, priceBookOf } from './price-book.js';
import { readText } from './text-mode.js';

const recorded = Recorded.priceBook('gazette').priceBook ?? {};
const draft = draftOf(priceBookOf(recorded));

test('behavior: a book that was only looked at is sent back unchanged', () => {
  expect(bookOf(draft)).toEqual(recorded);
  expect(isUnchanged(changesBetween(recorded, bookOf(draft)))).toBe(true);
});

test('behavior: a rule that changes its kind sends one kind only', () => {
  const freed = bookOf(withRule(draft, 3, { kind: 'free' }));
  expect(freed).toMatchObject({ rules: { 3: { free: true } } });
  expect(JSON.stringify(freed)).not.toContain('0.001');
});

test('behavior: the question before replacing names what changes', () => {
  const edited = withRule(withNewRule(withoutRule(draft, 0)), 1, { price: 'USD 0.003' });
  const changes = changesBetween(recorded, bookOf(edited));
  expect(changes).toEqual({
    added: ['rule-4'],
    removed: ['signpost-1'],
    changed: ['archive from 2026-01-01T00:00:00Z'],
    isReordered: false,
    isRestChanged: false,
  });
});

test('behavior: order matters, so moving a rule is a change', () => {
  const moved = withRuleMoved(draft, 3, -1);
  expect(moved.rules.map(({ id }) => id)).toEqual([
    'signpost-1',
    'archive',
    'ai-agents',
    'private',
  ]);
  expect(changesBetween(recorded, bookOf(moved)).isReordered).toBe(true);
});

test('behavior: wrong fields are named beside themselves', () => {
  const wrong = withRule(draft, 1, {
    id: 'a b',
    path: 'archive/**',
    names: [],
    price: 'USD 0.0000001',
    effectiveFrom: '2026-02-31',
  });
  const [, problems = {}] = problemsOf(wrong);
  expect(Object.keys(problems).sort()).toEqual([
    'crawlers',
    'effectiveFrom',
    'id',
    'path',
    'price',
  ]);
  expect(countProblems(problemsOf(draft))).toBe(0);
});

test('behavior: two rules of one name need different times', () => {
  const twice = withRule(draft, 3, { id: 'private' });
  expect(countProblems(problemsOf(twice))).toBe(2);
  const later = withRule(twice, 3, { effectiveFrom: '2027-01-01T00:00:00Z' });
  expect(countProblems(problemsOf(later))).toBe(0);
});

test('behavior: the word of the API about a rule finds its field', () => {
  expect(problemFromApi('/rules/2/price: write it like "USD 0.001"')).toEqual({
    at: 2,
    problems: { price: 'Write it like "USD 0.001"' },
  });
  expect(problemFromApi('/rules/0: exactly one of price, free and block')).toEqual({
    at: 0,
    problems: { rule: 'Exactly one of price, free and block' },
  });
  expect(problemFromApi('the newest version is 8')).toBeUndefined();
});

test('behavior: a book that says more than the form shows is edited as text only', () => {
  expect(isWhollyKnown(recorded)).toBe(true);
  expect(isWhollyKnown({ ...recorded, currency: 'USD' })).toBe(false);
  expect(isWhollyKnown({ rules: [{ id: 'a', path: '/', crawlers: 'everyone', bot: 1 }] })).toBe(
    false,
  );
});

test('behavior: text that is no price book is refused with the place', () => {
  expect(readText('{').problem).toMatch(/^Not JSON/);
  expect(readText('[]').problem).toBe('A price book is an object.');
  expect(readText('{"rules":[{}]}').problem).toBe('price book.rules[0].id is not text');
  expect(readText('{"rules":[]}')).toEqual({ book: { rules: [] }, problem: undefined });
});
