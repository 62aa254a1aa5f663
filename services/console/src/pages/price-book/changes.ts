import { isRecord } from '../../api/narrow.js';

export interface Changes {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
  readonly isReordered: boolean;
  readonly isRestChanged: boolean;
}

/** What a replacement does to the book, by the names of its rules, for the question before it. */
export function changesBetween(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): Changes {
  const old = rulesByName(before);
  const next = rulesByName(after);
  const kept = [...old.keys()].filter((name) => next.has(name));
  const keptOrder = [...next.keys()].filter((name) => old.has(name));
  return {
    added: [...next.keys()].filter((name) => !old.has(name)),
    removed: [...old.keys()].filter((name) => !next.has(name)),
    changed: kept.filter((name) => old.get(name) !== next.get(name)),
    isReordered: kept.join('\n') !== keptOrder.join('\n'),
    isRestChanged: restOf(before) !== restOf(after),
  };
}

export function isUnchanged(changes: Changes): boolean {
  const { added, removed, changed, isReordered, isRestChanged } = changes;
  return added.length + removed.length + changed.length === 0 && !isReordered && !isRestChanged;
}

/** Rules of one id at several times are told apart by the time. */
function rulesByName(book: Readonly<Record<string, unknown>>): ReadonlyMap<string, string> {
  const rules: readonly unknown[] = Array.isArray(book.rules) ? book.rules : [];
  const named = rules.map((rule, index): [string, string] => {
    const { id, effectiveFrom } = isRecord(rule) ? rule : {};
    const name = typeof id === 'string' ? id : `rule ${index + 1}`;
    const from = typeof effectiveFrom === 'string' ? ` from ${effectiveFrom}` : '';
    return [name + from, canonical(rule)];
  });
  return new Map(named);
}

function restOf(book: Readonly<Record<string, unknown>>): string {
  const { rules: _, ...rest } = book;
  return canonical(rest);
}

/** Members in the order of their names, so that only a difference in content is one. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) =>
    isRecord(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}
