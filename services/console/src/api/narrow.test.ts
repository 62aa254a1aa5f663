import { describe, expect, test } from 'vitest';
import * as Recorded from '../recorded-answers.js';
import * as Answers from './answers.js';
import { ApiError } from './api-error.js';
import type { Narrow } from './narrow.js';

function problemOf(narrow: Narrow<unknown>, value: unknown): ApiError | undefined {
  try {
    narrow(value, 'answer');
    return undefined;
  } catch (error) {
    return error instanceof ApiError ? error : undefined;
  }
}

const nowMs = Date.UTC(2026, 0, 31, 12);

describe('recorded answers', () => {
  test.each<[string, Narrow<unknown>, unknown]>([
    ['session', Answers.session, Recorded.session('operator')],
    ['publishers', Answers.publishers, Recorded.publishers],
    ['revenue', Answers.revenue, Recorded.revenue('gazette', 'day', '2026-01-01', nowMs)],
    ['crawls', Answers.crawls, Recorded.crawls('gazette', {})],
    ['crawl', Answers.crawlDetail, Recorded.crawlDetail('crl_51a2c001')],
    ['settlements', Answers.settlements, Recorded.settlements(true, {})],
    ['settlement', Answers.settlementDetail, Recorded.settlementDetail(true)],
    ['reconciliation', Answers.reconciliation, Recorded.reconciliation],
    ['live', Answers.live, Recorded.live('1284700')],
    ['price book', Answers.priceBookAnswer, Recorded.priceBook('gazette')],
  ])('behavior: the %s answer is read', (_, narrow, answer) => {
    expect(problemOf(narrow, JSON.parse(JSON.stringify(answer)))).toBeUndefined();
  });
});

describe('error: console_answer_unexpected', () => {
  const good = Recorded.dollars('2500');

  test.each<[string, unknown, string]>([
    ['an amount as a number', { ...good, amount: 2500 }, 'answer.amount'],
    ['an amount with a fraction', { ...good, amount: '0.0025' }, 'answer.amount'],
    ['an empty amount', { ...good, amount: '' }, 'answer.amount'],
    ['a missing amount', { asset: good.asset, decimals: 6 }, 'answer.amount'],
    ['decimals that are no integer', { ...good, decimals: 6.5 }, 'answer.decimals'],
    ['null', null, 'answer'],
    ['a list', [good], 'answer'],
  ])('behavior: %s is refused and named', (_, value, at) => {
    const problem = problemOf(Answers.money, value);
    expect(problem?.code).toBe('console_answer_unexpected');
    expect(problem?.detail).toMatch(new RegExp(`^${at} is not`));
  });

  test('behavior: a missing count is an error and never 0', () => {
    const { counts, ...rest } = Recorded.live('1').today;
    const { charges: _, ...lacking } = counts;
    const problem = problemOf(Answers.totals, { ...rest, counts: lacking });
    expect(problem?.detail).toBe('answer.counts.charges is not an integer');
  });

  test('behavior: a status that this build does not know is refused', () => {
    const [crawl] = Recorded.crawls('gazette', {}).crawls;
    const problem = problemOf(Answers.crawl, { ...crawl, status: 'levitating' });
    expect(problem?.detail).toContain('answer.status is not one of challenged');
  });

  test('behavior: members that this build does not know are passed over', () => {
    expect(problemOf(Answers.money, { ...good, colour: 'green' })).toBeUndefined();
  });
});
