import { Buffer } from 'node:buffer';
import { addressOf } from './address.js';
import { keccak256 } from './keccak.js';

/** EIP-712 domain of a token with EIP-3009, e.g. USDC: name and version are the token's own. */
export interface Domain {
  readonly name: string;
  readonly version: string;
  readonly chainId: bigint;
  readonly verifyingContract: string;
}

/** EIP-3009. Addresses and nonce are hex that was checked before; numbers fit in a uint256. */
export interface TransferAuthorization {
  readonly from: string;
  readonly to: string;
  readonly value: bigint;
  readonly validAfter: bigint;
  readonly validBefore: bigint;
  readonly nonce: string;
}

const wordBytes = 32;
const domainsCachedMax = 256;
const domainTypehash = typehash(
  'EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)',
);
const transferTypehash = typehash(
  'TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)',
);
const separators = new Map<string, Uint8Array>();

// Written in place for every digest and read by one synchronous hash, so one buffer is enough.
// The typehash and the twelve zero bytes before each address never change.
const struct = Buffer.alloc(7 * wordBytes);
struct.set(transferTypehash, 0);
const signed = Buffer.alloc(2 + 2 * wordBytes);
signed.writeUInt16BE(0x1901, 0);

/** hashStruct(domain), remembered: a deployment has a handful of tokens. */
export function domainSeparator(domain: Domain): Uint8Array {
  const contract = addressOf(domain.verifyingContract);
  const key = JSON.stringify([domain.name, domain.version, domain.chainId.toString(), contract]);
  const known = separators.get(key);
  if (known !== undefined) return known;
  const words = Buffer.alloc(5 * wordBytes);
  words.set(domainTypehash, 0);
  words.set(keccak256(Buffer.from(domain.name, 'utf8')), wordBytes);
  words.set(keccak256(Buffer.from(domain.version, 'utf8')), 2 * wordBytes);
  writeUint256(words, domain.chainId, 3 * wordBytes);
  words.write(contract.slice(2), 4 * wordBytes + 12, 'hex');
  const separator = keccak256(words);
  if (separators.size >= domainsCachedMax) separators.clear();
  separators.set(key, separator);
  return separator;
}

/** keccak256(0x1901 ‖ domainSeparator ‖ hashStruct(authorization)): what the payer signed. */
export function transferAuthorizationDigest(
  separator: Uint8Array,
  authorization: TransferAuthorization,
): Uint8Array {
  struct.write(authorization.from.slice(2), wordBytes + 12, 20, 'hex');
  struct.write(authorization.to.slice(2), 2 * wordBytes + 12, 20, 'hex');
  writeUint256(struct, authorization.value, 3 * wordBytes);
  writeUint256(struct, authorization.validAfter, 4 * wordBytes);
  writeUint256(struct, authorization.validBefore, 5 * wordBytes);
  struct.write(authorization.nonce.slice(2), 6 * wordBytes, wordBytes, 'hex');
  signed.set(separator, 2);
  signed.set(keccak256(struct), 2 + wordBytes);
  return keccak256(signed);
}

function writeUint256(target: Buffer, value: bigint, offset: number): void {
  if (value <= 0xffff_ffff_ffff_ffffn) {
    target.fill(0, offset, offset + 24);
    target.writeBigUInt64BE(value, offset + 24);
    return;
  }
  target.write(value.toString(16).padStart(2 * wordBytes, '0'), offset, wordBytes, 'hex');
}

function typehash(type: string): Uint8Array {
  return keccak256(Buffer.from(type, 'utf8'));
}
