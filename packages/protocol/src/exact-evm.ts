import { Buffer } from 'node:buffer';
import {
  domainSeparator,
  type TransferAuthorization,
  transferAuthorizationDigest,
} from '@paycrawl/crypto/eip712';
import { type Hex, hexFromBytes } from '@paycrawl/crypto/hex';
import type { Recovery } from '@paycrawl/crypto/recover';
import * as Money from '@paycrawl/money/money';
import { type Static, Type } from '@sinclair/typebox';
import { type Refusal, refuse } from './refusal.js';

/** Scheme `exact` on EVM chains, EIP-3009: the same payload in x402 version 1 and 2. */

const AnyAddress = Type.RegExp(/^0x[0-9a-fA-F]{40}$/);
const Decimal = Type.RegExp(/^(0|[1-9][0-9]{0,77})$/);

export const ExactEvmPayload = Type.Object({
  // 65 bytes of a key, or whatever an account contract understands (EIP-1271, ERC-6492).
  signature: Type.RegExp(/^0x(?:[0-9a-fA-F]{2}){1,5000}$/),
  authorization: Type.Object({
    from: AnyAddress,
    to: AnyAddress,
    value: Decimal,
    validAfter: Decimal,
    validBefore: Decimal,
    nonce: Type.RegExp(/^0x[0-9a-fA-F]{64}$/),
  }),
});
export type ExactEvmPayload = Static<typeof ExactEvmPayload>;

/** A token that a payment may be made in: the EIP-712 domain is the token contract's own. */
export interface Token {
  readonly network: string;
  readonly chainId: bigint;
  /** Lower case. */
  readonly asset: string;
  readonly name: string;
  readonly version: string;
}

/** What the authorization has to say, to the letter. */
export interface ExactTerms {
  readonly token: Token;
  /** Lower case. */
  readonly payTo: string;
  readonly amount: bigint;
}

export interface ExactClock {
  readonly nowMs: number;
  /** An authorization must outlive now by this much, or it could die before it is settled. */
  readonly marginS: number;
}

/** The authorization as it goes into the log: lower case, decimal strings. */
export interface SignedAuthorization {
  readonly from: string;
  readonly to: string;
  readonly value: string;
  readonly validAfter: string;
  readonly validBefore: string;
  readonly nonce: string;
}

/**
 * `recovered`: 65 bytes, low s, signed by `from`. `needs_account`: anything else, which only the
 * payer's account contract can judge, at the digest.
 */
export type SignatureState =
  | { readonly kind: 'recovered' }
  | { readonly kind: 'needs_account'; readonly digest: Hex };

/** Everything that it says is right; whether its payer signed it, a recovery has to tell. */
export interface SignedClaim {
  readonly kind: 'signed';
  readonly authorization: SignedAuthorization;
  readonly digest: Uint8Array;
  readonly signature: Uint8Array;
}

export interface CheckedSignature {
  readonly kind: 'checked';
  readonly signature: Hex;
  readonly check: SignatureState;
}

/** Fields first, signature last: what is cheap to refuse never costs a recovery. */
export function checkFields(
  payload: ExactEvmPayload,
  terms: ExactTerms,
  clock: ExactClock,
): SignedClaim | Refusal {
  const authorization = lowerCase(payload.authorization);
  const { from } = authorization;
  const numbers = numbersOf(authorization);
  if (numbers === undefined) return refuse('proof_shape_invalid', from);
  if (authorization.to !== terms.payTo) return refuse('proof_recipient_mismatch', from);
  const nowS = BigInt(Math.floor(clock.nowMs / 1000));
  if (numbers.validBefore < nowS + BigInt(clock.marginS)) return refuse('proof_expired', from);
  if (numbers.validAfter > nowS) return refuse('proof_not_yet_valid', from);
  if (numbers.value !== terms.amount) return refuse('proof_amount_mismatch', from);
  const { token } = terms;
  const separator = separatorOf(token);
  const { to, nonce } = authorization;
  const { value, validAfter, validBefore } = numbers;
  const message = { from, to, value, validAfter, validBefore, nonce };
  const digest = transferAuthorizationDigest(separator, message);
  const signature = Buffer.from(payload.signature.slice(2), 'hex');
  return { kind: 'signed', authorization, digest, signature };
}

/** What the recovery of its digest and signature makes of a claim. */
export function checkSignature(
  { authorization, digest, signature }: SignedClaim,
  recovery: Recovery,
): CheckedSignature | Refusal {
  if (recovery.outcome === 'recovered' && recovery.address === authorization.from) {
    return { kind: 'checked', signature: canonical(signature), check: { kind: 'recovered' } };
  }
  if (recovery.outcome === 'refused' && recovery.reason === 'high_s') {
    return refuse('proof_signature_invalid', authorization.from);
  }
  const check = { kind: 'needs_account', digest: hexFromBytes(digest) } as const;
  return { kind: 'checked', signature: hexFromBytes(signature), check };
}

/** The token contract takes 27 and 28 only, and one proof has one spelling in the log. */
function canonical(signature: Uint8Array): Hex {
  const v = signature[64] ?? 0;
  if (v >= 27) return hexFromBytes(signature);
  const bytes = Buffer.from(signature);
  bytes[64] = 27 + v;
  return hexFromBytes(bytes);
}

const separators = new WeakMap<Token, Uint8Array>();

/** By the token itself: a deployment keeps one object for each. */
function separatorOf(token: Token): Uint8Array {
  const known = separators.get(token);
  if (known !== undefined) return known;
  const { name, version, chainId, asset: verifyingContract } = token;
  const separator = domainSeparator({ name, version, chainId, verifyingContract });
  separators.set(token, separator);
  return separator;
}

function lowerCase(authorization: ExactEvmPayload['authorization']): SignedAuthorization {
  return {
    from: authorization.from.toLowerCase(),
    to: authorization.to.toLowerCase(),
    value: authorization.value,
    validAfter: authorization.validAfter,
    validBefore: authorization.validBefore,
    nonce: authorization.nonce.toLowerCase(),
  };
}

/** 78 digits may still be more than a uint256. */
function numbersOf(
  authorization: SignedAuthorization,
): Pick<TransferAuthorization, 'value' | 'validAfter' | 'validBefore'> | undefined {
  const value = BigInt(authorization.value);
  const validAfter = BigInt(authorization.validAfter);
  const validBefore = BigInt(authorization.validBefore);
  const tooLarge = [value, validAfter, validBefore].some((n) => n > Money.uint256Max);
  return tooLarge ? undefined : { value, validAfter, validBefore };
}
