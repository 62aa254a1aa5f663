import { Buffer } from 'node:buffer';
import { bytesFromHex, hexFromBytes } from '@paycrawl/crypto/hex';
import { keccak256 } from '@paycrawl/crypto/keccak';
import { signDigest } from '@paycrawl/crypto/recover';
import { type Address, type Hex, parseTransaction } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { rlpBytes, rlpInteger, rlpList } from './rlp.js';

/** An EIP-1559 transaction before it is signed. */
export interface TransactionDraft {
  readonly chainId: number;
  readonly nonce: number;
  readonly to: Address;
  readonly data: Hex;
  readonly gasLimit: bigint;
  readonly maxFeePerGasWei: bigint;
  readonly tipPerGasWei: bigint;
}

export interface SignedTransaction {
  readonly raw: Hex;
  readonly hash: Hex;
}

/** EIP-2718: the type stands before the list. */
const eip1559Type = Buffer.of(2);

/**
 * Deterministic (RFC 6979): the same draft and key always give the same bytes. Encoded, hashed and
 * signed natively: the calls of a full batch are 50 KB, which cost milliseconds in plain JavaScript.
 */
export async function signTransaction(
  draft: TransactionDraft,
  privateKey: Hex,
): Promise<SignedTransaction> {
  const fields = [
    rlpInteger(draft.chainId),
    rlpInteger(draft.nonce),
    rlpInteger(draft.tipPerGasWei),
    rlpInteger(draft.maxFeePerGasWei),
    rlpInteger(draft.gasLimit),
    rlpBytes(bytesFromHex(draft.to)),
    rlpInteger(0n),
    rlpBytes(bytesFromHex(draft.data)),
    // No access list.
    rlpList([]),
  ];
  const digest = keccak256(Buffer.concat([eip1559Type, rlpList(fields)]));
  const signature = signDigest(digest, bytesFromHex(privateKey));
  const word = (at: number) => BigInt(hexFromBytes(signature.subarray(at, at + 32)));
  const signed = [
    rlpInteger(signature[64] === 28 ? 1 : 0),
    rlpInteger(word(0)),
    rlpInteger(word(32)),
  ];
  const raw = Buffer.concat([eip1559Type, rlpList([...fields, ...signed])]);
  return { raw: hexFromBytes(raw), hash: hexFromBytes(keccak256(raw)) };
}

export function transactionHash(raw: Hex): Hex {
  return hexFromBytes(keccak256(bytesFromHex(raw)));
}

export function signerAddress(privateKey: Hex): Address {
  return privateKeyToAccount(privateKey).address.toLowerCase() as Address;
}

/** Reads a raw transaction back; a field that we never leave out is missing only in foreign bytes. */
export function readTransaction(raw: Hex): TransactionDraft | undefined {
  const parsed = parseTransaction(raw);
  if (parsed.type !== 'eip1559' || parsed.to === undefined || parsed.to === null) return undefined;
  return {
    chainId: parsed.chainId,
    nonce: parsed.nonce ?? 0,
    to: parsed.to.toLowerCase() as Address,
    data: parsed.data ?? '0x',
    gasLimit: parsed.gas ?? 0n,
    maxFeePerGasWei: parsed.maxFeePerGas ?? 0n,
    tipPerGasWei: parsed.maxPriorityFeePerGas ?? 0n,
  };
}

/**
 * Nodes replace a waiting transaction only if both fees grow by at least 10 % (geth's
 * `PriceBump`); one eighth is safely above it. Rounds up.
 */
export function bumpFees(fees: FeeCaps, market: FeeCaps): FeeCaps {
  return {
    maxFeePerGasWei: larger(bump(fees.maxFeePerGasWei), market.maxFeePerGasWei),
    tipPerGasWei: larger(bump(fees.tipPerGasWei), market.tipPerGasWei),
  };
}

export interface FeeCaps {
  readonly maxFeePerGasWei: bigint;
  readonly tipPerGasWei: bigint;
}

function bump(value: bigint): bigint {
  return value + (value >> 3n) + 1n;
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
