/** Reads the heads of requests that are plainly fine, and takes no other. */

export interface PlainHead {
  readonly method: string;
  readonly target: string;
  /** Name, value, name, value; names in lower case, each once. */
  readonly headers: readonly string[];
  /** The client wants no other request on this connection. */
  readonly isLast: boolean;
  /** Length of the body behind it. */
  readonly bodyBytes: number;
}

/**
 * GET or HEAD of a path, or POST to it, HTTP/1.1, lines of visible characters that end as they
 * should. No alternative of it can match at two places, so it takes one step a character.
 */
const grammar =
  /^(?:GET|HEAD|POST) \/[\x21-\x7e]* HTTP\/1\.1\r\n(?:[!-~][\t\x20-\x7e\x80-\xff]*\r\n)+\r\n$/;
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** After them the connection is read in another way, or the request goes on after its head. */
const oddNames = new Set(['transfer-encoding', 'upgrade', 'expect', 'trailer']);
const lengthGrammar = /^(?:0|[1-9][0-9]{0,8})$/;
const headersMax = 64;
const versionLength = ' HTTP/1.1'.length;

/**
 * `head` with its last empty line, a character a byte. Undefined: a strict parser has to look. A
 * POST says how long its body is, GET and HEAD have none.
 */
export function readPlainHead(head: string): PlainHead | undefined {
  if (!grammar.test(head)) return undefined;
  const lineEnd = head.indexOf('\r\n');
  const methodEnd = head.indexOf(' ');
  const method = head.slice(0, methodEnd);
  const headers: string[] = [];
  let bodyBytes = method === 'POST' ? Number.NaN : 0;
  let isLast = false;
  let hasHost = false;
  for (let at = lineEnd + 2; at < head.length - 2; ) {
    const end = head.indexOf('\r\n', at);
    const colon = head.indexOf(':', at);
    if (colon < 0 || colon > end) return undefined;
    const name = lowerName(head.slice(at, colon));
    if (name === undefined || oddNames.has(name) || headerOf(headers, name) !== undefined)
      return undefined;
    if (headers.length === 2 * headersMax) return undefined;
    const value = trimmed(head, colon + 1, end);
    if (name === 'connection') {
      const wish = value.toLowerCase();
      if (wish !== 'close' && wish !== 'keep-alive') return undefined;
      isLast = wish === 'close';
    } else if (name === 'content-length') {
      if (method !== 'POST' || !lengthGrammar.test(value)) return undefined;
      bodyBytes = Number(value);
    } else if (name === 'host') hasHost = value !== '';
    headers.push(name, value);
    at = end + 2;
  }
  if (!hasHost || Number.isNaN(bodyBytes)) return undefined;
  const target = head.slice(methodEnd + 1, lineEnd - versionLength);
  return { method, target, headers, isLast, bodyBytes };
}

/**
 * Whether a GET has one of the headers (lower case) and plainly ends where `head` does: CR LF after
 * every line and nowhere else, a token before every colon, and nothing that changes how the
 * connection is read. What the values are is not looked at: this is for who is turned away.
 */
export function isPlainGetWith(names: ReadonlySet<string>, head: string): boolean {
  const lineEnd = head.indexOf('\r\n');
  if (!head.startsWith('GET /') || !head.endsWith(' HTTP/1.1', lineEnd)) return false;
  if (head.indexOf('\n') !== lineEnd + 1) return false;
  let isThere = false;
  for (let at = lineEnd + 2; ; ) {
    const end = head.indexOf('\r', at);
    if (end < 0 || head.indexOf('\n', at) !== end + 1) return false;
    if (end === at) return isThere && end + 2 === head.length;
    const colon = head.indexOf(':', at);
    const name = lowerName(head.slice(at, colon));
    if (name === undefined || oddNames.has(name) || name === 'content-length') return false;
    if (name === 'connection' && trimmed(head, colon + 1, end).toLowerCase() !== 'keep-alive') {
      return false;
    }
    if (names.has(name)) isThere = true;
    at = end + 2;
  }
}

const knownNames = new Map<string, string>();
const knownNamesMax = 1_000;

/** In lower case, always the same string; undefined where it is no name. */
function lowerName(spelled: string): string | undefined {
  const known = knownNames.get(spelled);
  if (known !== undefined) return known;
  if (!token.test(spelled)) return undefined;
  const lower = spelled.toLowerCase();
  // A copy: what was cut out of a head would keep all of it in memory.
  if (knownNames.size < knownNamesMax) knownNames.set(copyOf(spelled), copyOf(lower));
  return lower;
}

function copyOf(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

/** Of a list of name, value, name, value. */
export function headerOf(headers: readonly string[], name: string): string | undefined {
  for (let i = 0; i < headers.length; i += 2) if (headers[i] === name) return headers[i + 1];
  return undefined;
}

/** Without the spaces and tabs around it, and no others: a no-break space is part of a value. */
function trimmed(head: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(head.charCodeAt(start))) start++;
  while (end > start && isBlank(head.charCodeAt(end - 1))) end--;
  return head.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
