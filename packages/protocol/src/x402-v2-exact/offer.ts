import { checksumAddressOf } from '@paycrawl/crypto/address';
import type { Token } from '../exact-evm.js';
import { base64Around, type KnownText, knownEnd, knownText } from '../known-base64.js';
import * as PaymentIdentifier from '../payment-identifier.js';

/** Everything of an offer that stays the same for all requests under one rule. */
export interface OfferTerms {
  readonly token: Token;
  readonly payTo: string;
  /** Decimal string of atomic units. */
  readonly amount: string;
  readonly description: string;
  readonly mimeType: string;
  readonly maxTimeoutSeconds: number;
}

/** The JSON of an offer with gaps for what differs: error, URL and challenge. */
export interface PreparedOffer {
  readonly afterUrl: KnownText;
  readonly afterChallenge: KnownText;
}

const extensionsJson = JSON.stringify({
  [PaymentIdentifier.extensionKey]: PaymentIdentifier.declaration,
});

/** Done once per rule; addresses are checksummed here because people read offers. */
export function prepareOffer(terms: OfferTerms): PreparedOffer {
  const { token } = terms;
  const requirements = JSON.stringify({
    scheme: 'exact',
    network: token.network,
    amount: terms.amount,
    asset: checksumAddressOf(token.asset),
    payTo: checksumAddressOf(terms.payTo),
    maxTimeoutSeconds: terms.maxTimeoutSeconds,
    extra: { name: token.name, version: token.version },
  });
  const about = JSON.stringify({ description: terms.description, mimeType: terms.mimeType });
  return {
    // Both objects stay open where a field is added: `{"description":…}` loses its first brace,
    // the requirements lose the two that close `extra` and themselves.
    afterUrl: knownText(`,${about.slice(1)},"accepts":[${requirements.slice(0, -2)},"challenge":`),
    afterChallenge: knownEnd(`}}],"extensions":${extensionsJson}}`),
  };
}

/** The value of PAYMENT-REQUIRED. */
export function writeOffer(
  prepared: PreparedOffer,
  error: string,
  url: string,
  challenge: string,
): string {
  const resource = `"resource":{"url":${JSON.stringify(url)}`;
  return base64Around(
    `{"x402Version":2,"error":${JSON.stringify(error)},${resource}`,
    prepared.afterUrl,
    JSON.stringify(challenge),
    prepared.afterChallenge,
  );
}
