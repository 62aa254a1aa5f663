import {
  flag,
  isRecord,
  list,
  type Narrow,
  type Narrowed,
  object,
  oneOf,
  optional,
  text,
} from '../../api/narrow.js';

const crawlers: Narrow<'ai-agents' | 'everyone' | readonly string[]> = (value, at) =>
  Array.isArray(value) ? list(text)(value, at) : oneOf('ai-agents', 'everyone')(value, at);

const ruleShape = {
  id: text,
  path: text,
  crawlers,
  price: optional(text),
  free: optional(flag),
  block: optional(flag),
  effectiveFrom: optional(text),
  description: optional(text),
};

/** The outcomes of a delivery that a publisher may charge for; a failure is never one. */
export const billableOutcomes = [
  'delivered',
  'head',
  'partial_content',
  'not_modified',
  'redirected',
] as const;
export type BillableOutcome = (typeof billableOutcomes)[number];

const billableShape = {
  delivered: optional(flag),
  head: optional(flag),
  partial_content: optional(flag),
  not_modified: optional(flag),
  redirected: optional(flag),
};

const bookShape = {
  rules: list(object(ruleShape)),
  billable: optional(object(billableShape)),
};

const priceBook = object(bookShape);
export type PriceBook = Narrowed<typeof priceBook>;
export type PriceRule = PriceBook['rules'][number];

export const billableTitles: Readonly<Record<BillableOutcome, string>> = {
  delivered: 'The whole page',
  head: 'Only its headers (HEAD)',
  partial_content: 'A part of it (206)',
  not_modified: 'Word that nothing changed (304)',
  redirected: 'A redirect (3xx)',
};

/** What holds where the book is silent, as the platform decides it. */
export const billableByDefault: Readonly<Record<BillableOutcome, boolean>> = {
  delivered: true,
  head: false,
  partial_content: true,
  not_modified: false,
  redirected: false,
};

export function priceBookOf(value: unknown): PriceBook {
  return priceBook(value, 'price book');
}

/**
 * Whether the form shows all that the book says. One that says more (written for a newer
 * platform) is edited as text only, so that saving it loses nothing.
 */
export function isWhollyKnown(value: Readonly<Record<string, unknown>>): boolean {
  const { rules, billable } = value;
  const isKnownRule = (rule: unknown) => isRecord(rule) && hasOnly(rule, ruleShape);
  return (
    hasOnly(value, bookShape) &&
    (billable === undefined || (isRecord(billable) && hasOnly(billable, billableShape))) &&
    Array.isArray(rules) &&
    rules.every(isKnownRule)
  );
}

function hasOnly(value: Readonly<Record<string, unknown>>, shape: object): boolean {
  return Object.keys(value).every((key) => key in shape);
}

export function whoTitle(who: PriceRule['crawlers']): string {
  if (who === 'ai-agents') return 'AI agents';
  if (who === 'everyone') return 'Everyone';
  return who.join(', ');
}
