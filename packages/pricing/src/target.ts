import { Buffer } from 'node:buffer';

/**
 * One spelling of every path, made once: prices are looked up for it, quotes bind it, and exactly
 * it goes to the origin. A free rule can so never open what the origin takes for a paid path.
 */
export interface Target {
  readonly kind: 'target';
  /** RFC 3986 normalised, percent-encoded; what the origin gets. */
  readonly path: string;
  /** With its `?`, or empty; it goes through unchanged. */
  readonly query: string;
  /**
   * Segments as written, once with and, where there are any, once without `;parameters`, which
   * some origins ignore. A free rule has to match all of these.
   */
  readonly strict: readonly (readonly string[])[];
  /** Decoded, lower case, no trailing slash. A paid rule matches any of these. */
  readonly lax: readonly (readonly string[])[];
}

export type TargetReading =
  | Target
  | { readonly kind: 'refused'; readonly code: 'path_ambiguous'; readonly detail: string }
  | { readonly kind: 'refused'; readonly code: 'path_too_long'; readonly detail: string };

export const targetLengthMax = 8192;
export const segmentsMax = 256;

// Nothing to decode, no empty or dot segment, no parameters: nearly every request.
const alreadyNormal = /^(?:\/(?![.])[A-Za-z0-9._~!$&'()*+,=:@-]+)*\/?$/;
const visibleAscii = /^[\x21-\x7e]*$/;
const badPercent = /%(?![0-9a-fA-F]{2})/;
// Slash, backslash, control characters: one origin decodes them before it splits, another after.
const encodedTrouble = /%(?:2f|5c|[01][0-9a-f]|7f)/i;
// An origin that decodes twice would read something else than was priced.
const encodedTwice = /%25[0-9a-f]{2}/i;
// pchar of RFC 3986 as ASCII codes: these stand for themselves, everything else is encoded.
const plainCodes = new Set(
  [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@"].map(
    (char) => char.charCodeAt(0),
  ),
);

/** Reads the target of a request line in origin form: `/path?query`. */
export function normalizeTarget(raw: string): TargetReading {
  if (raw.length > targetLengthMax) return tooLong('more than 8 KiB');
  if (!raw.startsWith('/')) return ambiguous('not a path');
  const mark = raw.indexOf('?');
  const rawPath = mark < 0 ? raw : raw.slice(0, mark);
  const query = mark < 0 ? '' : raw.slice(mark);
  if (!visibleAscii.test(query) || query.includes('#')) return ambiguous('query');
  if (alreadyNormal.test(rawPath)) return targetOf(rawPath, query);
  return normalizePath(rawPath, query);
}

function normalizePath(rawPath: string, query: string): TargetReading {
  if (!visibleAscii.test(rawPath)) return ambiguous('characters that a URL does not hold');
  if (/[\\#]/.test(rawPath)) return ambiguous('backslash or fragment');
  if (badPercent.test(rawPath)) return ambiguous('percent sign without two hex digits');
  if (encodedTrouble.test(rawPath)) return ambiguous('encoded slash, backslash or control');
  if (encodedTwice.test(rawPath)) return ambiguous('encoded twice');
  const kept: string[] = [];
  const segments = rawPath.slice(1).split('/');
  for (const [i, written] of segments.entries()) {
    const segment = canonicalSegment(written);
    if (segment === undefined) return ambiguous('not UTF-8');
    const bare = withoutParameters(segment);
    const isDots = bare === '.' || bare === '..';
    // `..;x` climbs on some origins and is a name on others.
    if (bare !== segment && (isDots || bare === '')) return ambiguous('parameters of no segment');
    if (bare === '..') kept.pop();
    else if (bare !== '' && bare !== '.') kept.push(segment);
    const isLast = i === segments.length - 1;
    if (isLast && (isDots || bare === '') && kept.length > 0) kept.push('');
  }
  return targetOf(`/${kept.join('/')}`, query);
}

/** Every byte of the segment in its one spelling; undefined if the bytes are not UTF-8. */
function canonicalSegment(written: string): string | undefined {
  let decoded: string;
  try {
    decoded = decodeURIComponent(written);
  } catch {
    return undefined; // e.g. an overlong encoding of a slash
  }
  let canonical = '';
  for (const byte of Buffer.from(decoded, 'utf8')) {
    canonical += plainCodes.has(byte)
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return canonical;
}

function targetOf(path: string, query: string): TargetReading {
  // Encoding what was written plainly may make the path three times as long.
  if (path.length + query.length > targetLengthMax) return tooLong('more than 8 KiB');
  const segments = path.slice(1).split('/');
  if (segments.length > segmentsMax) return tooLong('more than 256 segments');
  const strict = path.includes(';') ? [segments, segments.map(withoutParameters)] : [segments];
  return { kind: 'target', path, query, strict, lax: strict.map(laxSegments) };
}

/** How an origin that is careless about case, slashes and composition may read the segments. */
export function laxSegments(segments: readonly string[]): string[] {
  const lax = segments.map(laxSegment);
  if (lax.length > 1 && lax.at(-1) === '') lax.pop();
  return lax;
}

function laxSegment(segment: string): string {
  const lower = segment.toLowerCase();
  if (!lower.includes('%')) return lower;
  return decodeURIComponent(segment).normalize('NFC').toLowerCase();
}

function withoutParameters(segment: string): string {
  const at = segment.indexOf(';');
  return at < 0 ? segment : segment.slice(0, at);
}

function ambiguous(detail: string): TargetReading {
  return { kind: 'refused', code: 'path_ambiguous', detail };
}

function tooLong(detail: string): TargetReading {
  return { kind: 'refused', code: 'path_too_long', detail };
}
