import { laxSegments, normalizeTarget } from './target.js';

/**
 * Path patterns of price rules: `*` is any run of characters within a segment, `**` as a whole
 * segment is any number of segments, none included. `/docs/**` also matches `/docs`.
 */
export interface PathPattern {
  readonly strict: readonly SegmentPattern[];
  readonly lax: readonly SegmentPattern[];
  /** The first segment where it is fixed, lower case: rules are found by it. */
  readonly firstLiteral: string | undefined;
}

type SegmentPattern = '**' | { readonly literal: string } | { readonly parts: readonly string[] };

export const patternLengthMax = 512;

/** Undefined where the pattern is malformed. */
export function compilePattern(text: string): PathPattern | undefined {
  if (text.length > patternLengthMax || !text.startsWith('/')) return undefined;
  // The pattern takes the same road as a path; both kinds of star are ordinary characters there.
  const target = normalizeTarget(encodeOdd(text));
  if (target.kind === 'refused' || target.query !== '' || target.strict.length > 1)
    return undefined;
  const [segments = []] = target.strict;
  if (segments.some((segment) => segment.includes('**') && segment !== '**')) return undefined;
  const strict = segments.map(compileSegment);
  const lax = laxSegments(segments).map(compileSegment);
  const [first] = lax;
  const isFixed = first !== undefined && first !== '**' && 'literal' in first;
  return { strict, lax, firstLiteral: isFixed ? first.literal : undefined };
}

/** People write patterns in plain Unicode; requests arrive percent-encoded. */
function encodeOdd(text: string): string {
  // A lone surrogate has no UTF-8; a backslash makes the pattern malformed.
  return text.replace(/\p{Cs}/gu, '\\').replace(/[^\x21-\x7e]/gu, encodeURIComponent);
}

function compileSegment(segment: string): SegmentPattern {
  if (segment === '**') return '**';
  return segment.includes('*') ? { parts: segment.split('*') } : { literal: segment };
}

/**
 * The greedy two-pointer match: on a mismatch only the last `**` takes one segment more, so the
 * cost is at most pattern × path, whatever the pattern.
 */
export function matches(pattern: readonly SegmentPattern[], path: readonly string[]): boolean {
  let p = 0;
  let s = 0;
  let starAt = -1;
  let starTook = 0;
  while (s < path.length) {
    const part = pattern[p];
    if (part === '**') {
      starAt = p++;
      starTook = s;
    } else if (part !== undefined && matchesSegment(part, path[s] ?? '')) {
      p++;
      s++;
    } else if (starAt >= 0) {
      p = starAt + 1;
      s = ++starTook;
    } else return false;
  }
  while (pattern[p] === '**') p++;
  return p === pattern.length;
}

/** Pieces between stars are found from left to right; the first and last are anchored. */
function matchesSegment(pattern: Exclude<SegmentPattern, '**'>, segment: string): boolean {
  if ('literal' in pattern) return pattern.literal === segment;
  const { parts } = pattern;
  const head = parts[0] ?? '';
  const tail = parts.at(-1) ?? '';
  if (segment.length < head.length + tail.length) return false;
  if (!segment.startsWith(head) || !segment.endsWith(tail)) return false;
  const end = segment.length - tail.length;
  let from = head.length;
  for (let i = 1; i < parts.length - 1; i++) {
    const part = parts[i] ?? '';
    const at = segment.indexOf(part, from);
    if (at < 0 || at + part.length > end) return false;
    from = at + part.length;
  }
  return true;
}
