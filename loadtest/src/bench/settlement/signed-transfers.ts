import { randomBytes } from 'node:crypto';
import type { Authorization, SignedAuthorization } from '@paycrawl/chain/usdc';
import { domainSeparator, transferAuthorizationDigest } from '@paycrawl/crypto/eip712';
import { bytesFromHex, type Hex, hexFromBytes } from '@paycrawl/crypto/hex';
import { signDigest } from '@paycrawl/crypto/recover';
import { usdcAddress, usdcName, usdcVersion } from '@paycrawl/testkit/devnet-contracts';
import type { Payer } from '../../payload/sign-proofs.js';

/** What each authorization of the benches moves: $0.001. */
export const transferAmount = 1_000n;
/** A time as clients sign it (four bytes that are not zero), far behind the end of any bench. */
const validBefore = 1_999_999_999n;

/** Signed as x402 clients sign, natively, for the USDC of the devnet. */
export function transferSigner(chainId: number): (payer: Payer, to: Hex) => SignedAuthorization {
  const separator = domainSeparator({
    name: usdcName,
    version: usdcVersion,
    chainId: BigInt(chainId),
    verifyingContract: usdcAddress,
  });
  return ({ address, privateKey }, to) => {
    const authorization: Authorization = {
      from: address.toLowerCase() as Hex,
      to,
      value: transferAmount,
      validAfter: 0n,
      validBefore,
      nonce: hexFromBytes(randomBytes(32)),
    };
    const digest = transferAuthorizationDigest(separator, authorization);
    const signature = hexFromBytes(signDigest(digest, bytesFromHex(privateKey)));
    return { authorization, signature, payerHasCode: false };
  };
}
