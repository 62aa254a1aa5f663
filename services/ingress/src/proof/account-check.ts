import { domainSeparator, transferAuthorizationDigest } from '@paycrawl/crypto/eip712';
import { hexFromBytes } from '@paycrawl/crypto/hex';
import type { Token } from '@paycrawl/protocol/exact-evm';
import type { Proof } from '@paycrawl/protocol/proof';
import { createShortMemory } from './short-memory.js';

type Hex = `0x${string}`;

/** The one question that the ingress puts to a chain (EIP-1271, ERC-6492, EIP-7702). */
export interface AccountChain {
  /** Fails when the chain does not answer; a negative answer is a value. */
  isValidSignature(request: {
    readonly payer: Hex;
    readonly hash: Hex;
    readonly signature: Hex;
    readonly block: 'latest';
  }): Promise<{
    readonly valid: boolean;
    readonly hasCode: boolean;
    readonly blockNumber: number;
  }>;
}

export type SignatureVerdict =
  | { readonly kind: 'recovered' }
  | { readonly kind: 'asked'; readonly blockNumber: number }
  | { readonly kind: 'invalid' }
  | { readonly kind: 'unavailable' };

export interface AccountCheck {
  check(proof: Proof, token: Token): Promise<SignatureVerdict>;
  /** The verifier saw code at the payer: from now on its account is asked, not its signature. */
  rememberCode(payer: string): void;
}

export interface AccountCheckOptions {
  /** By network; undefined where this ingress has no node to ask. */
  readonly chainOf: (network: string) => AccountChain | undefined;
  readonly questionsMax: number;
  readonly rememberMs: number;
  readonly nowMs: () => number;
  readonly onUnavailable: (error: unknown) => void;
}

const payersRememberedMax = 50_000;

export function createAccountCheck(options: AccountCheckOptions): AccountCheck {
  const { rememberMs: forMs, nowMs } = options;
  const memory = { forMs, nowMs, entriesMax: payersRememberedMax };
  const withCode = createShortMemory<true>(memory);
  // A wrong signature of a plain account is wrong for good; strangers cannot make us ask for it.
  const withoutCode = createShortMemory<true>(memory);
  let questions = 0;

  async function ask(proof: Proof, token: Token): Promise<SignatureVerdict> {
    const chain = options.chainOf(proof.network);
    if (chain === undefined || questions >= options.questionsMax) return { kind: 'unavailable' };
    questions += 1;
    try {
      const payer = proof.payer as Hex;
      const hash = digestOf(proof, token);
      const { signature } = proof;
      const answer = await chain.isValidSignature({ payer, hash, signature, block: 'latest' });
      if (answer.valid) return { kind: 'asked', blockNumber: answer.blockNumber };
      if (!answer.hasCode) withoutCode.remember(proof.payer, true);
      return { kind: 'invalid' };
    } catch (error) {
      options.onUnavailable(error);
      return { kind: 'unavailable' };
    } finally {
      questions -= 1;
    }
  }

  return {
    rememberCode: (payer) => withCode.remember(payer, true),
    async check(proof, token) {
      if (proof.check.kind === 'recovered') {
        if (withCode.recall(proof.payer) === undefined) return proof.check;
      } else if (isKeySized(proof) && withoutCode.recall(proof.payer) !== undefined) {
        return { kind: 'invalid' };
      }
      return ask(proof, token);
    },
  };
}

/** 65 bytes: what a plain account would sign with. A longer one may bring its account along. */
function isKeySized({ signature }: Proof): boolean {
  return signature.length === 2 + 2 * 65;
}

function digestOf({ authorization, check }: Proof, token: Token): Hex {
  if (check.kind === 'needs_account') return check.digest;
  const separator = domainSeparator({ ...token, verifyingContract: token.asset });
  const { value, validAfter, validBefore, ...names } = authorization;
  const numbers = {
    value: BigInt(value),
    validAfter: BigInt(validAfter),
    validBefore: BigInt(validBefore),
  };
  return hexFromBytes(transferAuthorizationDigest(separator, { ...names, ...numbers }));
}
