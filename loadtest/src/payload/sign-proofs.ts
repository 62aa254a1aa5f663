import { randomBytes } from 'node:crypto';
import { addressOf } from '@paycrawl/crypto/address';
import { domainSeparator, transferAuthorizationDigest } from '@paycrawl/crypto/eip712';
import { fail } from '@paycrawl/errors/paycrawl-error';
import secp256k1 from 'secp256k1';

/** What a 402 offered, as its v2 header says it (x402 `PaymentRequired`). */
export interface Offered {
  readonly resource: unknown;
  readonly accepts: readonly {
    readonly network: string;
    readonly amount: string;
    readonly asset: string;
    readonly payTo: string;
    readonly maxTimeoutSeconds: number;
    readonly extra: { readonly name: string; readonly version: string };
  }[];
}

export interface Payer {
  readonly address: string;
  readonly privateKey: string;
}

export function readOffer(paymentRequiredHeader: string): Offered {
  return JSON.parse(Buffer.from(paymentRequiredHeader, 'base64').toString()) as Offered;
}

/** One `PAYMENT-SIGNATURE` header value, signed natively (some 15,000 a second on one core). */
export function signProof(offered: Offered, payer: Payer, nowS: number): string {
  const [accepted] = offered.accepts;
  if (accepted === undefined) throw fail('bench_failed', 'nothing is offered');
  const authorization = {
    from: payer.address,
    to: accepted.payTo,
    value: accepted.amount,
    validAfter: '0',
    validBefore: String(nowS + accepted.maxTimeoutSeconds),
    nonce: `0x${randomBytes(32).toString('hex')}`,
  };
  const separator = domainSeparator({
    name: accepted.extra.name,
    version: accepted.extra.version,
    chainId: BigInt(accepted.network.split(':')[1] ?? 0),
    verifyingContract: accepted.asset,
  });
  const digest = transferAuthorizationDigest(separator, {
    ...authorization,
    from: addressOf(authorization.from),
    to: addressOf(authorization.to),
    value: BigInt(authorization.value),
    validAfter: 0n,
    validBefore: BigInt(authorization.validBefore),
  });
  const key = Buffer.from(payer.privateKey.slice(2), 'hex');
  const { signature, recid } = secp256k1.ecdsaSign(digest, key);
  const hex = Buffer.from(signature).toString('hex') + (27 + recid).toString(16);
  const payload = {
    x402Version: 2,
    payload: { authorization, signature: `0x${hex}` },
    resource: offered.resource,
    accepted,
  };
  return Buffer.from(JSON.stringify(payload)).toString('base64');
}
