import { fail } from '@paycrawl/errors/paycrawl-error';

/** Header rules of a proxy, on lists of name, value, name, value as Node and undici have them. */

// RFC 9110 §7.6.1, and the older ones that some clients still send.
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
const noMore = new Set<string>();
/** What belongs between the client and the till: the site behind never sees a payment. */
const paymentHeaders = new Set([
  'payment-signature',
  'x-payment',
  'payment-required',
  'payment-response',
  'x-payment-response',
]);
const rewritten = new Set(['host', 'expect', 'x-forwarded-host', 'x-forwarded-proto']);

export interface ForwardContext {
  readonly originHost: string;
  readonly publicHost: string;
  readonly scheme: string;
  readonly remoteAddress: string;
  readonly isPaid: boolean;
}

/** What the origin gets. */
export function requestHeaders(raw: readonly string[], context: ForwardContext): string[] {
  const named = connectionTokens(raw);
  const kept: string[] = [];
  let forwardedFor = context.remoteAddress;
  for (let i = 0; i < raw.length; i += 2) {
    const name = (raw[i] ?? '').toLowerCase();
    const value = raw[i + 1] ?? '';
    if (hopByHop.has(name) || named.has(name) || rewritten.has(name)) continue;
    if (context.isPaid && paymentHeaders.has(name)) continue;
    if (name === 'x-forwarded-for') forwardedFor = `${value}, ${context.remoteAddress}`;
    else kept.push(name, value);
  }
  kept.push(
    'host',
    context.originHost,
    'x-forwarded-for',
    forwardedFor,
    'x-forwarded-host',
    context.publicHost,
    'x-forwarded-proto',
    context.scheme,
  );
  return kept;
}

export interface AnswerContext {
  /** `http://origin:port`, as a redirect of the origin to itself would spell it. */
  readonly originUrl: string;
  readonly publicUrl: string;
  readonly isPaid: boolean;
}

/** What the client gets of the origin's headers, before ours are added. */
export function answerHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  context: AnswerContext,
): Record<string, string | string[]> {
  const connection = headers.connection;
  const named = connection === undefined ? noMore : tokensOf(String(connection));
  const kept: Record<string, string | string[]> = {};
  for (const name of Object.keys(headers)) {
    const value = headers[name];
    if (value === undefined || hopByHop.has(name) || named.has(name)) continue;
    if (context.isPaid && paymentHeaders.has(name)) continue;
    requireSendable(value);
    kept[name] = name === 'location' ? publicLocation(String(value), context) : value;
  }
  return kept;
}

const unsendable = /[^\t\x20-\x7e\x80-\xff]/;

/** A character beyond a byte would be cut off to one, and might then be the end of a line. */
function requireSendable(value: string | string[]): void {
  const isBad =
    typeof value === 'string' ? unsendable.test(value) : value.some((one) => unsendable.test(one));
  if (isBad) throw fail('internal', 'The origin sent a header that cannot be passed on.');
}

/** A redirect of the origin to itself must lead back to the till, not around it. */
function publicLocation(location: string, { originUrl, publicUrl }: AnswerContext): string {
  if (!location.toLowerCase().startsWith(originUrl)) return location;
  const rest = location.slice(originUrl.length);
  return rest === '' || /^[/?#]/.test(rest) ? publicUrl + rest : location;
}

/** Paid content is for the one who paid: no shared cache may keep it. */
export function privateCacheControl(value: string | string[] | undefined): string {
  const directives = String(value ?? '')
    .split(',')
    .map((directive) => directive.trim())
    .filter((directive) => !/^($|public$|private\b|s-maxage\b|proxy-revalidate$)/i.test(directive));
  return ['private', ...directives].join(', ');
}

export function withVary(value: string | string[] | undefined, names: string): string {
  const present = Array.isArray(value) ? value.join(', ') : value;
  if (present === undefined || present === '') return names;
  return present.trim() === '*' ? '*' : `${present}, ${names}`;
}

export function hasBody(headers: Readonly<Record<string, unknown>>): boolean {
  const length = headers['content-length'];
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

function connectionTokens(raw: readonly string[]): ReadonlySet<string> {
  let tokens = noMore;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] ?? '';
    if (name.length !== 10 || name.toLowerCase() !== 'connection') continue;
    tokens = new Set([...tokens, ...tokensOf(raw[i + 1] ?? '')]);
  }
  return tokens;
}

function tokensOf(value: string): Set<string> {
  return new Set(value.split(',').map((token) => token.trim().toLowerCase()));
}
