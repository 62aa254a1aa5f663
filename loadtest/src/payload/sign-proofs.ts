import { randomBytes } from 'node:crypto';
import { addressOf } from '@paycrawl/crypto/address';
import { domainSeparator, transferAuthorizationDigest } from '@paycrawl/crypto/eip712';
import { fail } from '@paycrawl/errors/paycrawl-error';
import secp256k1 from 'secp256k1';

/** What a 402 offered, as its v2 header says it (x402 `PaymentRequired`). */
export interface Offered {
  readonly resource: unknown;
  readonly accepts: readonly OfferedEntry[];
}

interface OfferedEntry {
  readonly network: string;
  readonly amount: string;
  readonly asset: string;
  readonly payTo: string;
  readonly maxTimeoutSeconds: number;
  readonly extra: { readonly name: string; readonly version: string };
}

export interface Payer {
  readonly address: string;
  readonly privateKey: string;
}

/** How proofs are made; versions differ in what they echo of the offer and how long they last. */
export interface ProofTerms {
  readonly validBeforeS: number;
  /** The network's name in version 1: then a proof of version 1 is made. */
  readonly v1Network?: string | undefined;
}

/** `v` of a signature is 27 or 28 (Ethereum yellow paper, appendix F). */
const recoveryBase = 27;

export function readOffer(paymentRequiredHeader: string): Offered {
  return JSON.parse(Buffer.from(paymentRequiredHeader, 'base64').toString()) as Offered;
}

/** One `PAYMENT-SIGNATURE` header value, signed natively (some 15,000 a second on one core). */
export function signProof(offered: Offered, payer: Payer, nowS: number): string {
  return proofSigner(offered, { validBeforeS: validBeforeOf(offered, nowS) })(payer);
}

/** As long as the offer lets a proof that is signed now last. */
export function validBeforeOf({ accepts: [accepted] }: Offered, nowS: number): number {
  return nowS + (accepted?.maxTimeoutSeconds ?? 0);
}

/**
 * Signs one proof after the other. All of them say the same but for payer, nonce and signature, so
 * everything else is written once; all of one signer are of one length.
 */
export function proofSigner(offered: Offered, terms: ProofTerms): (payer: Payer) => string {
  const [accepted] = offered.accepts;
  if (accepted === undefined) throw fail('bench_failed', 'nothing is offered');
  const separator = domainSeparator({
    name: accepted.extra.name,
    version: accepted.extra.version,
    chainId: BigInt(accepted.network.split(':')[1] ?? 0),
    verifyingContract: accepted.asset,
  });
  const to = addressOf(accepted.payTo);
  const fixed = { to, validBefore: BigInt(terms.validBeforeS), value: BigInt(accepted.amount) };
  const [head, tail] = envelope(offered, accepted, terms);
  const rest =
    `","to":"${accepted.payTo}","value":"${accepted.amount}","validAfter":"0",` +
    `"validBefore":"${terms.validBeforeS}","nonce":"`;
  return ({ address, privateKey }) => {
    const nonce = `0x${randomBytes(32).toString('hex')}`;
    const from = address.toLowerCase();
    const authorization = { from, ...fixed, validAfter: 0n, nonce };
    const digest = transferAuthorizationDigest(separator, authorization);
    const key = Buffer.from(privateKey.slice(2), 'hex');
    const { signature, recid } = secp256k1.ecdsaSign(digest, key);
    const hex = Buffer.from(signature).toString('hex') + (recoveryBase + recid).toString(16);
    const text = `${head}{"from":"${address}${rest}${nonce}"},"signature":"0x${hex}"${tail}`;
    return Buffer.from(text, 'latin1').toString('base64');
  };
}

/** What stands around authorization and signature. */
function envelope(
  { resource }: Offered,
  accepted: OfferedEntry,
  { v1Network }: ProofTerms,
): [head: string, tail: string] {
  if (v1Network !== undefined) {
    const network = JSON.stringify(v1Network);
    return [
      `{"x402Version":1,"scheme":"exact","network":${network},"payload":{"authorization":`,
      '}}',
    ];
  }
  const echo = `"resource":${JSON.stringify(resource)},"accepted":${JSON.stringify(accepted)}`;
  return ['{"x402Version":2,"payload":{"authorization":', `},${asciiJson(echo)}}`];
}

/** The same JSON in ASCII, whatever the offer says of its page. */
function asciiJson(json: string): string {
  return json.replace(
    /[^\0-\x7f]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
