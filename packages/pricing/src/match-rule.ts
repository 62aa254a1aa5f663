import * as Money from '@paycrawl/money/money';
import type { Crawler } from './crawler.js';
import { compilePattern, matches, type PathPattern } from './path-pattern.js';
import { effectiveFromMs, type PriceBook, type PriceRule } from './price-book.js';
import type { Target } from './target.js';

/** What a request costs. */
export type Ruling =
  | { readonly kind: 'unruled' }
  | { readonly kind: 'free'; readonly rule: PriceRule }
  | { readonly kind: 'blocked'; readonly rule: PriceRule }
  | { readonly kind: 'priced'; readonly rule: PriceRule; readonly amount: Money.Amount };

interface CompiledRule {
  readonly position: number;
  readonly rule: PriceRule;
  readonly pattern: PathPattern;
  readonly fromMs: number;
  /** When the next rule of the same id takes its place. */
  readonly untilMs: number;
  readonly names: ReadonlySet<string> | 'ai-agents' | 'everyone';
  readonly ruling: Ruling;
}

export interface CompiledBook {
  readonly book: PriceBook;
  /** Rules whose first segment is fixed, by that segment; in the order of the book. */
  readonly byFirstSegment: ReadonlyMap<string, readonly CompiledRule[]>;
  readonly others: readonly CompiledRule[];
}

export interface Question {
  readonly target: Target;
  readonly crawler: Crawler;
  readonly atMs: number;
}

const unruled: Ruling = { kind: 'unruled' };
const noRules: readonly CompiledRule[] = [];

/** Of a book that was read by `readPriceBook`. Fails where the asset cannot express a price. */
export function compileBook(book: PriceBook, asset: Money.Asset): CompiledBook {
  const byFirstSegment = new Map<string, CompiledRule[]>();
  const others: CompiledRule[] = [];
  const startsById = new Map<string, number[]>();
  for (const rule of book.rules) {
    const starts = startsById.get(rule.id) ?? [];
    starts.push(effectiveFromMs(rule));
    startsById.set(rule.id, starts);
  }
  for (const [position, rule] of book.rules.entries()) {
    const compiled = compileRule(position, rule, startsById.get(rule.id) ?? [], asset);
    const first = compiled.pattern.firstLiteral;
    if (first === undefined) others.push(compiled);
    else {
      const group = byFirstSegment.get(first) ?? [];
      group.push(compiled);
      byFirstSegment.set(first, group);
    }
  }
  return { book, byFirstSegment, others };
}

function compileRule(
  position: number,
  rule: PriceRule,
  startsMs: readonly number[],
  asset: Money.Asset,
): CompiledRule {
  const pattern = compilePattern(rule.path) ?? { strict: [], lax: [], firstLiteral: undefined };
  const fromMs = effectiveFromMs(rule);
  const untilMs = Math.min(Infinity, ...startsMs.filter((startMs) => startMs > fromMs));
  const { crawlers } = rule;
  const names =
    typeof crawlers === 'string' ? crawlers : new Set(crawlers.map((name) => name.toLowerCase()));
  return { position, rule, pattern, fromMs, untilMs, names, ruling: rulingOf(rule, asset) };
}

function rulingOf(rule: PriceRule, asset: Money.Asset): Ruling {
  if (rule.block) return { kind: 'blocked', rule };
  if (rule.free || rule.price === undefined) return { kind: 'free', rule };
  const amount = Money.parsePriceExactly(rule.price, asset);
  return amount.atomic === 0n ? { kind: 'free', rule } : { kind: 'priced', rule, amount };
}

/** The first rule of the book that matches path, crawler and date. */
export function matchRule(compiled: CompiledBook, question: Question): Ruling {
  let found = firstMatch(compiled.others, question, undefined);
  const looked = new Set<string>();
  for (const [first = ''] of question.target.lax) {
    if (looked.has(first)) continue;
    looked.add(first);
    found = firstMatch(compiled.byFirstSegment.get(first) ?? noRules, question, found);
  }
  return found === undefined ? unruled : found.ruling;
}

/** Whether the answer for this path depends on who asks: shared caches have to know. */
export function dependsOnCrawler(compiled: CompiledBook, target: Target, atMs: number): boolean {
  const isPossible = (one: CompiledRule): boolean =>
    one.ruling.kind !== 'free' &&
    atMs >= one.fromMs &&
    atMs < one.untilMs &&
    target.lax.some((segments) => matches(one.pattern.lax, segments));
  if (compiled.others.some(isPossible)) return true;
  return target.lax.some(([first = '']) =>
    (compiled.byFirstSegment.get(first) ?? noRules).some(isPossible),
  );
}

function firstMatch(
  rules: readonly CompiledRule[],
  question: Question,
  found: CompiledRule | undefined,
): CompiledRule | undefined {
  for (const rule of rules) {
    if (found !== undefined && rule.position > found.position) return found;
    if (applies(rule, question)) return rule;
  }
  return found;
}

function applies(rule: CompiledRule, { target, crawler, atMs }: Question): boolean {
  if (atMs < rule.fromMs || atMs >= rule.untilMs) return false;
  if (!concerns(rule.names, crawler)) return false;
  // Free to the letter, in every reading; paid and blocked in any careless reading.
  if (rule.ruling.kind === 'free') {
    return target.strict.every((segments) => matches(rule.pattern.strict, segments));
  }
  return target.lax.some((segments) => matches(rule.pattern.lax, segments));
}

function concerns(names: CompiledRule['names'], crawler: Crawler): boolean {
  if (names === 'everyone') return true;
  if (names === 'ai-agents') return crawler.kind === 'ai-agent';
  return names.has(crawler.name.toLowerCase());
}
