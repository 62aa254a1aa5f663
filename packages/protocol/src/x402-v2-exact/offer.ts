import { checksumAddressOf } from '@paycrawl/crypto/address';
import type { Token } from '../exact-evm.js';
import { headerOfJson } from '../header-json.js';
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
  readonly afterError: string;
  readonly afterUrl: string;
  readonly afterChallenge: string;
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
    afterError: ',"resource":{"url":',
    // Both objects stay open where a field is added: `{"description":…}` loses its first brace,
    // the requirements lose the two that close `extra` and themselves.
    afterUrl: `,${about.slice(1)},"accepts":[${requirements.slice(0, -2)},"challenge":`,
    afterChallenge: `}}],"extensions":${extensionsJson}}`,
  };
}

/** The value of PAYMENT-REQUIRED. */
export function writeOffer(
  prepared: PreparedOffer,
  error: string,
  url: string,
  challenge: string,
): string {
  return headerOfJson(
    `{"x402Version":2,"error":${JSON.stringify(error)}${prepared.afterError}` +
      `${JSON.stringify(url)}${prepared.afterUrl}${JSON.stringify(challenge)}` +
      prepared.afterChallenge,
  );
}
