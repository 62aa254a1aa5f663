import { createHash } from 'node:crypto';
import type { SignedAuthorization } from './exact-evm.js';

/**
 * What "the same payload" means for a payment identifier: the same authorization presented for
 * the same method and URL. Not the bytes of the header, which a client may write anew.
 */
export function payloadHash(
  method: string,
  url: string,
  asset: string,
  authorization: SignedAuthorization,
): string {
  const { from, to, value, validAfter, validBefore, nonce } = authorization;
  const identity = [method, url, asset, from, to, value, validAfter, validBefore, nonce];
  return createHash('sha256').update(identity.join('\n')).digest('base64url');
}
