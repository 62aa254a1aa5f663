import { type Address, type Hex, keccak256, parseTransaction } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';

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

/** Deterministic (RFC 6979): the same draft and key always give the same bytes. */
export async function signTransaction(
  draft: TransactionDraft,
  privateKey: Hex,
): Promise<SignedTransaction> {
  const raw = await privateKeyToAccount(privateKey).signTransaction({
    type: 'eip1559',
    chainId: draft.chainId,
    nonce: draft.nonce,
    to: draft.to,
    data: draft.data,
    value: 0n,
    gas: draft.gasLimit,
    maxFeePerGas: draft.maxFeePerGasWei,
    maxPriorityFeePerGas: draft.tipPerGasWei,
  });
  return { raw, hash: keccak256(raw) };
}

export function transactionHash(raw: Hex): Hex {
  return keccak256(raw);
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
