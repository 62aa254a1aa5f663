import { isPrice } from '@paycrawl/money/money';
import { instantOf } from '../../format/time.js';
import { sentence } from '../../format/words.js';
import type { Draft, DraftRule } from './draft.js';

export type RuleField = 'id' | 'path' | 'crawlers' | 'price' | 'effectiveFrom' | 'description';
export type FieldProblems = Partial<Readonly<Record<RuleField | 'rule', string>>>;

const idGrammar = /^[A-Za-z0-9_-]{1,64}$/;
const timeGrammar = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,3})?Z$/;
const pathLengthMax = 512;
const descriptionLengthMax = 200;

/**
 * What can be told without asking, rule by rule, so that it stands beside its field at once. The
 * API checks again and more; its word is `problemFromApi`.
 */
export function problemsOf(draft: Draft): readonly FieldProblems[] {
  const times = new Map<string, number>();
  for (const rule of draft.rules) {
    times.set(identityOf(rule), (times.get(identityOf(rule)) ?? 0) + 1);
  }
  return draft.rules.map((rule) => {
    const problems = ruleProblems(rule);
    const isTwice = (times.get(identityOf(rule)) ?? 0) > 1;
    if (!isTwice || problems.id !== undefined) return problems;
    return { ...problems, id: 'Another rule has this name for the same time.' };
  });
}

function identityOf(rule: DraftRule): string {
  return `${rule.id.trim()} ${instantOf(rule.effectiveFrom.trim()) ?? 0}`;
}

function ruleProblems(rule: DraftRule): FieldProblems {
  const problems: { [Field in RuleField]?: string } = {};
  const from = rule.effectiveFrom.trim();
  if (!idGrammar.test(rule.id.trim())) {
    problems.id = 'Letters, digits, - and _; at most 64.';
  }
  const path = pathProblem(rule.path.trim());
  if (path !== undefined) problems.path = path;
  if (rule.who === 'named' && rule.names.length === 0) {
    problems.crawlers = 'Name at least one crawler.';
  }
  if (rule.kind === 'price' && !isPrice(rule.price.trim())) {
    problems.price = 'Write it like USD 0.001, with at most 6 decimals.';
  }
  if (from !== '' && (!timeGrammar.test(from) || instantOf(from) === undefined)) {
    problems.effectiveFrom = 'Write it like 2026-01-31T00:00:00Z, in UTC.';
  }
  if (rule.description.trim().length > descriptionLengthMax) {
    problems.description = `At most ${descriptionLengthMax} characters.`;
  }
  return problems;
}

function pathProblem(path: string): string | undefined {
  if (!path.startsWith('/')) return 'Begin with /.';
  if (path.length > pathLengthMax) return `At most ${pathLengthMax} characters.`;
  const isStarred = path.split('/').some((part) => part.includes('**') && part !== '**');
  return isStarred ? 'Two stars stand alone between slashes: /docs/**' : undefined;
}

export function countProblems(problems: readonly FieldProblems[]): number {
  return problems.reduce((sum, fields) => sum + Object.keys(fields).length, 0);
}

/** `/rules/3/price: write it…` → the third rule's price; undefined where it names no rule. */
export function problemFromApi(
  detail: string,
): { readonly at: number; readonly problems: FieldProblems } | undefined {
  const match = /^\/rules\/(\d{1,6})(?:\/(\w+))?[^:]*: (.+)$/s.exec(detail);
  const [, index, field, words] = match ?? [];
  if (index === undefined || words === undefined) return undefined;
  const name = fields.find((known) => known === field) ?? 'rule';
  return { at: Number.parseInt(index, 10), problems: { [name]: sentence(words) } };
}

const fields: readonly RuleField[] = [
  'id',
  'path',
  'crawlers',
  'price',
  'effectiveFrom',
  'description',
];
