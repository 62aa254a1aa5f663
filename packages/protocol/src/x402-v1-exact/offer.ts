import { checksumAddressOf } from '@paycrawl/crypto/address';
import { v1NameOf } from '../networks.js';
import type { OfferTerms } from '../x402-v2-exact/offer.js';

/** The JSON body of a 402 with gaps for the error and the URL. */
export interface PreparedOffer {
  readonly afterError: string;
  readonly afterUrl: string;
}

/**
 * Only what the strict schema of version 1 knows: one alien entry makes its client throw for the
 * whole document. A network without a name there gives an empty list, which nobody can pay.
 */
export function prepareOffer(terms: OfferTerms): PreparedOffer {
  const network = v1NameOf(terms.token.network);
  if (network === undefined) return noOffer;
  const rest = JSON.stringify({
    description: terms.description,
    mimeType: terms.mimeType,
    payTo: checksumAddressOf(terms.payTo),
    maxTimeoutSeconds: terms.maxTimeoutSeconds,
    asset: checksumAddressOf(terms.token.asset),
    extra: { name: terms.token.name, version: terms.token.version },
  });
  const head = JSON.stringify({ scheme: 'exact', network, maxAmountRequired: terms.amount });
  return {
    afterError: `,"accepts":[${head.slice(0, -1)},"resource":`,
    afterUrl: `,${rest.slice(1)}]`,
  };
}

/** A document that nobody can pay: version 1 is not offered, or its network has no name there. */
export const noOffer: PreparedOffer = { afterError: ',"accepts":[]', afterUrl: '' };

/** The body of the 402, application/json; `code` is ours, beside what version 1 knows. */
export function writeOffer(
  prepared: PreparedOffer,
  error: string,
  url: string,
  code?: string,
): string {
  const resource = prepared.afterUrl === '' ? '' : JSON.stringify(url);
  const ours = code === undefined ? '' : `,"code":${JSON.stringify(code)}`;
  return (
    `{"x402Version":1,"error":${JSON.stringify(error)}${prepared.afterError}` +
    `${resource}${prepared.afterUrl}${ours}}`
  );
}
