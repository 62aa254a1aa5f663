import type { BillableOutcome, PriceBook, PriceRule } from './price-book.js';

export type RuleKind = 'price' | 'free' | 'block';
export type RuleWho = 'ai-agents' | 'everyone' | 'named';

/** A rule while it is being written: every field has a text, right or not yet. */
export interface DraftRule {
  /** Names the row on the page while rules move; never sent. */
  readonly key: number;
  readonly id: string;
  readonly path: string;
  readonly who: RuleWho;
  readonly names: readonly string[];
  readonly kind: RuleKind;
  readonly price: string;
  readonly effectiveFrom: string;
  readonly description: string;
}

export interface Draft {
  readonly rules: readonly DraftRule[];
  readonly billable: Partial<Readonly<Record<BillableOutcome, boolean>>>;
  readonly nextKey: number;
}

export const emptyDraft: Draft = {
  rules: [],
  billable: {},
  nextKey: 0,
};

export function draftOf(book: PriceBook): Draft {
  return {
    rules: book.rules.map(draftRuleOf),
    billable: given(book.billable ?? {}),
    nextKey: book.rules.length,
  };
}

function draftRuleOf(rule: PriceRule, key: number): DraftRule {
  const { id, path, crawlers, price, free, block, effectiveFrom, description } = rule;
  const isNamed = crawlers !== 'ai-agents' && crawlers !== 'everyone';
  let kind: RuleKind = 'price';
  if (free === true) kind = 'free';
  if (block === true) kind = 'block';
  return {
    key,
    id,
    path,
    who: isNamed ? 'named' : crawlers,
    names: isNamed ? crawlers : [],
    kind,
    price: price ?? '',
    effectiveFrom: effectiveFrom ?? '',
    description: description ?? '',
  };
}

/** What is sent: members that are empty are left out, as the schema wants it. */
export function bookOf(draft: Draft): Readonly<Record<string, unknown>> {
  const { billable } = draft;
  return given({
    rules: draft.rules.map(ruleOf),
    billable: Object.keys(billable).length === 0 ? undefined : billable,
  });
}

function ruleOf(rule: DraftRule): Readonly<Record<string, unknown>> {
  const { id, path, who, names, kind, price, effectiveFrom, description } = rule;
  return given({
    id: id.trim(),
    path: path.trim(),
    crawlers: who === 'named' ? names : who,
    price: kind === 'price' ? price.trim() : undefined,
    free: kind === 'free' ? true : undefined,
    block: kind === 'block' ? true : undefined,
    effectiveFrom: effectiveFrom.trim() || undefined,
    description: description.trim() || undefined,
  });
}

/** Without the members that are undefined: JSON and `exactOptionalPropertyTypes` have no place for them. */
function given<T>(members: Readonly<Record<string, T | undefined>>): Readonly<Record<string, T>> {
  const kept: Record<string, T> = {};
  for (const [key, value] of Object.entries(members)) {
    if (value !== undefined) kept[key] = value;
  }
  return kept;
}

export function withRule(draft: Draft, at: number, change: Partial<DraftRule>): Draft {
  const rules = draft.rules.map((rule, index) => (index === at ? { ...rule, ...change } : rule));
  return { ...draft, rules };
}

export function withoutRule(draft: Draft, at: number): Draft {
  return { ...draft, rules: draft.rules.filter((_, index) => index !== at) };
}

/** A new rule comes first, where it decides; the rest keeps its order. */
export function withNewRule(draft: Draft): Draft {
  const rule: DraftRule = {
    key: draft.nextKey,
    id: freeId(draft),
    path: '/**',
    who: 'ai-agents',
    names: [],
    kind: 'price',
    price: 'USD 0.001',
    effectiveFrom: '',
    description: '',
  };
  return { ...draft, rules: [rule, ...draft.rules], nextKey: draft.nextKey + 1 };
}

function freeId(draft: Draft): string {
  const taken = new Set(draft.rules.map(({ id }) => id));
  let at = draft.rules.length + 1;
  while (taken.has(`rule-${at}`)) at += 1;
  return `rule-${at}`;
}

export function withRuleMoved(draft: Draft, at: number, by: -1 | 1): Draft {
  const rules = [...draft.rules];
  const [rule] = rules.splice(at, 1);
  if (rule === undefined) return draft;
  rules.splice(at + by, 0, rule);
  return { ...draft, rules };
}
