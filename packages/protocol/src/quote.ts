import { Buffer } from 'node:buffer';
import { isQuoteMac, type QuoteKey, quoteMacText } from '@paycrawl/crypto/quote-mac';

/**
 * A quote is what a 402 promises: this method and URL for this amount to this payee, until then.
 * It travels inside the offer (`extra.challenge`), comes back with the proof and is checked by its
 * MAC alone, so an ingress remembers nothing and any ingress with the key can check it.
 */
export interface Quote {
  readonly challengeId: string;
  readonly ruleId: string;
  readonly ruleVersion: number;
  readonly expiresAtS: number;
}

/** What the quote binds besides its own fields; both sides know it from elsewhere. */
export interface QuotedTerms {
  readonly method: string;
  readonly url: string;
  readonly network: string;
  /** Lower case, like payTo. */
  readonly asset: string;
  readonly payTo: string;
  /** Decimal string of atomic units. */
  readonly amount: string;
}

export type QuoteReading =
  | { readonly kind: 'quote'; readonly quote: Quote }
  | { readonly kind: 'altered' }
  | { readonly kind: 'expired' };

export interface QuoteCheck {
  /** The first signs; the others are older ones, kept for one quote lifetime. */
  readonly keys: readonly QuoteKey[];
  readonly nowMs: number;
  readonly skewMs: number;
}

// version . expiry (base 36 seconds) . key id . rule id . rule version . challenge id . MAC. Of the
// four bits that the last of 22 characters holds too many none is set: one MAC has one spelling.
const compactGrammar =
  /^1\.([0-9a-z]{1,9})\.([\w-]{1,16})\.([\w-]{1,64})\.([0-9a-z]{1,9})\.([\w-]{1,64})\.([\w-]{21}[AQgw])$/;

export function writeQuote(key: QuoteKey, terms: QuotedTerms, quote: Quote): string {
  const { method, url } = terms;
  return quoteWriter(key, terms, quote)(method, url, quote.challengeId, quote.expiresAtS);
}

/** Of one rule: what the quotes of all its requests share is put together once. */
export type QuoteWriter = (
  method: string,
  url: string,
  challengeId: string,
  expiresAtS: number,
) => string;

export function quoteWriter(
  key: QuoteKey,
  terms: Omit<QuotedTerms, 'method' | 'url'>,
  rule: Pick<Quote, 'ruleId' | 'ruleVersion'>,
): QuoteWriter {
  const before = beforeMethod(key);
  const between = betweenUrlAndChallenge(terms, rule);
  const middle = `.${key.id}.${rule.ruleId}.${rule.ruleVersion.toString(36)}.`;
  return (method, url, challengeId, expiresAtS) => {
    const message = `${before}${method}\n${url}${between}${challengeId}\n${expiresAtS}`;
    const mac = quoteMacText(key, message);
    return `1.${expiresAtS.toString(36)}${middle}${challengeId}.${mac}`;
  };
}

export function readQuote(check: QuoteCheck, terms: QuotedTerms, compact: string): QuoteReading {
  const parts = compactGrammar.exec(compact);
  if (parts === null) return { kind: 'altered' };
  const [, expiry = '', keyId, ruleId = '', ruleVersion = '', challengeId = '', mac = ''] = parts;
  const key = check.keys.find(({ id }) => id === keyId);
  if (key === undefined) return { kind: 'altered' };
  const quote: Quote = {
    challengeId,
    ruleId,
    ruleVersion: Number.parseInt(ruleVersion, 36),
    expiresAtS: Number.parseInt(expiry, 36),
  };
  const macBytes = Buffer.from(mac, 'base64url');
  if (!isQuoteMac(key, messageOf(key, terms, quote), macBytes)) return { kind: 'altered' };
  if (check.nowMs > quote.expiresAtS * 1000 + check.skewMs) return { kind: 'expired' };
  return { kind: 'quote', quote };
}

/** No field can hold a line feed, so the message has one reading. */
function messageOf(key: QuoteKey, terms: QuotedTerms, quote: Quote): string {
  return (
    `${beforeMethod(key)}${terms.method}\n${terms.url}${betweenUrlAndChallenge(terms, quote)}` +
    `${quote.challengeId}\n${quote.expiresAtS}`
  );
}

function beforeMethod(key: QuoteKey): string {
  return `paycrawl-quote-1\n${key.id}\n`;
}

function betweenUrlAndChallenge(
  { network, asset, payTo, amount }: Omit<QuotedTerms, 'method' | 'url'>,
  { ruleId, ruleVersion }: Pick<Quote, 'ruleId' | 'ruleVersion'>,
): string {
  return `\n${network}\n${asset}\n${payTo}\n${amount}\n${ruleId}\n${ruleVersion}\n`;
}
