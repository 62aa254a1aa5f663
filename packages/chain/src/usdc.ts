import {
  type Address,
  decodeFunctionData,
  type Hex,
  isErc6492Signature,
  parseAbi,
  parseErc6492Signature,
  toEventSelector,
  toFunctionSelector,
} from 'viem';
import { bytesWords, word } from './abi-words.js';
import type { AuthorizationEnd, Log, Transfer } from './chain.js';
import type { Call } from './multicall3.js';

/** What paycrawl uses of Circle's `FiatTokenV2_2` (EIP-20 and EIP-3009). */
export const usdcAbi = parseAbi([
  'function balanceOf(address account) view returns (uint256)',
  'function authorizationState(address authorizer, bytes32 nonce) view returns (bool)',
  'function transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, uint8 v, bytes32 r, bytes32 s)',
  'function transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, bytes signature)',
  'function cancelAuthorization(address authorizer, bytes32 nonce, uint8 v, bytes32 r, bytes32 s)',
  'event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce)',
  'event AuthorizationCanceled(address indexed authorizer, bytes32 indexed nonce)',
  'event Transfer(address indexed from, address indexed to, uint256 value)',
]);

const balanceOf = toFunctionSelector('balanceOf(address)');
const authorizationState = toFunctionSelector('authorizationState(address,bytes32)');
const transferFields = 'address,address,uint256,uint256,uint256,bytes32';
const transferByParts = toFunctionSelector(
  `transferWithAuthorization(${transferFields},uint8,bytes32,bytes32)`,
);
const transferByBytes = toFunctionSelector(`transferWithAuthorization(${transferFields},bytes)`);
/** Seven heads before the one dynamic argument. */
const bytesOffset = 7 * 32;

export const authorizationUsedTopic = toEventSelector('AuthorizationUsed(address,bytes32)');
export const authorizationCanceledTopic = toEventSelector('AuthorizationCanceled(address,bytes32)');
export const transferTopic = toEventSelector('Transfer(address,address,uint256)');

/** EIP-3009 `TransferWithAuthorization`, times in seconds. */
export interface Authorization {
  readonly from: Address;
  readonly to: Address;
  readonly value: bigint;
  readonly validAfter: bigint;
  readonly validBefore: bigint;
  readonly nonce: Hex;
}

export interface SignedAuthorization {
  readonly authorization: Authorization;
  readonly signature: Hex;
  /** The payer has code, so its own contract judges the exact bytes of the signature. */
  readonly payerHasCode: boolean;
}

export function encodeBalanceOf(account: Address): Hex {
  return `${balanceOf}${word(account)}`;
}

export function encodeAuthorizationState(authorizer: Address, nonce: Hex): Hex {
  return `${authorizationState}${word(authorizer)}${word(nonce)}`;
}

/**
 * The calls that move one authorization. An ERC-6492 signature of an account that has no code yet
 * needs its factory called first; the asset then gets the inner signature.
 */
export function encodeSettlementCalls(
  asset: Address,
  signed: SignedAuthorization,
): readonly Call[] {
  if (!isErc6492Signature(signed.signature)) {
    return [{ target: asset, data: encodeTransferWithAuthorization(signed) }];
  }
  const { address, data, signature } = parseErc6492Signature(signed.signature);
  const transfer = encodeTransferWithAuthorization({ ...signed, signature, payerHasCode: true });
  const move = { target: asset, data: transfer };
  if (signed.payerHasCode || address === undefined || data === undefined) return [move];
  return [{ target: address, data }, move];
}

/**
 * A 65-byte signature of a plain account takes the overload with v, r, s, which needs less
 * calldata; v is normalised because the contract only knows 27 and 28. Everything else goes
 * through byte for byte.
 */
export function encodeTransferWithAuthorization(signed: SignedAuthorization): Hex {
  const { from, to, value, validAfter, validBefore, nonce } = signed.authorization;
  const parts = signed.payerHasCode ? undefined : splitSignature(signed.signature);
  const fields = [from, to, value, validAfter, validBefore, nonce].map(word).join('');
  return parts
    ? `${transferByParts}${fields}${word(parts.v)}${word(parts.r)}${word(parts.s)}`
    : `${transferByBytes}${fields}${word(bytesOffset)}${bytesWords(signed.signature)}`;
}

export interface DecodedTransfer {
  readonly authorization: Authorization;
  readonly signature: Hex;
}

/** Reads back either overload; throws on any other calldata. */
export function decodeTransferWithAuthorization(data: Hex): DecodedTransfer | undefined {
  const decoded = decodeFunctionData({ abi: usdcAbi, data });
  if (decoded.functionName !== 'transferWithAuthorization') return undefined;
  const [from, to, value, validAfter, validBefore, nonce, v, r, s] = decoded.args;
  const authorization = { from, to, value, validAfter, validBefore, nonce };
  if (typeof v === 'string') return { authorization, signature: v };
  if (r === undefined || s === undefined) return undefined;
  return { authorization, signature: `0x${r.slice(2)}${s.slice(2)}${v.toString(16)}` };
}

interface SignatureParts {
  readonly v: number;
  readonly r: Hex;
  readonly s: Hex;
}

const signatureLength = 2 + 65 * 2;
const wordLength = 2 + 32 * 2;

export function splitSignature(signature: Hex): SignatureParts | undefined {
  if (signature.length !== signatureLength) return undefined;
  const v = Number.parseInt(signature.slice(130), 16);
  const normalised = v < 27 ? v + 27 : v;
  if (normalised !== 27 && normalised !== 28) return undefined;
  return { v: normalised, r: `0x${signature.slice(2, 66)}`, s: `0x${signature.slice(66, 130)}` };
}

/** Where a transaction stands; goes into every end that its logs tell. */
export interface LogContext {
  readonly transactionHash: Hex;
  readonly blockNumber: number;
  readonly blockHash: Hex;
}

/**
 * The authorizations that ended in one transaction, with the transfer that each use made: the
 * contract emits `AuthorizationUsed` and then `Transfer` (FiatTokenV2 `_transferWithAuthorization`),
 * so the transfer is the asset's first one before its next authorization event. A transfer is
 * claimed once.
 */
export function authorizationEnds(
  asset: Address,
  logs: readonly Log[],
  context: LogContext,
): readonly AuthorizationEnd[] {
  const own = logs
    .filter((log) => log.address.toLowerCase() === asset.toLowerCase())
    .sort((a, b) => a.logIndex - b.logIndex);
  const ends: AuthorizationEnd[] = [];
  for (const [index, log] of own.entries()) {
    const kind = endKind(log);
    if (kind === undefined) continue;
    const transfer = kind === 'used' ? nextTransfer(own, index) : undefined;
    ends.push({
      authorizer: addressOfTopic(log.topics[1]),
      nonce: (log.topics[2] ?? '0x').toLowerCase() as Hex,
      kind,
      ...context,
      logIndex: log.logIndex,
      transfer,
    });
  }
  return ends;
}

function endKind(log: Log): 'used' | 'cancelled' | undefined {
  if (log.topics.length !== 3) return undefined;
  if (log.topics[0] === authorizationUsedTopic) return 'used';
  return log.topics[0] === authorizationCanceledTopic ? 'cancelled' : undefined;
}

function nextTransfer(logs: readonly Log[], index: number): Transfer | undefined {
  for (const log of logs.slice(index + 1)) {
    if (endKind(log) !== undefined) return undefined;
    if (log.topics[0] !== transferTopic || log.topics.length !== 3) continue;
    if (log.data.length !== wordLength) continue;
    return {
      from: addressOfTopic(log.topics[1]),
      to: addressOfTopic(log.topics[2]),
      value: BigInt(log.data),
      logIndex: log.logIndex,
    };
  }
  return undefined;
}

function addressOfTopic(topic: Hex | undefined): Address {
  return `0x${(topic ?? '').slice(-40).toLowerCase()}`;
}
