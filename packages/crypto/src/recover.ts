import { Buffer } from 'node:buffer';
import { type Address, addressOfPublicKey } from './address.js';
import { loadFastest, type RecoveryEngine, type Secp256k1 } from './secp256k1-engine.js';

export type Recovery =
  | { readonly outcome: 'recovered'; readonly address: Address }
  | { readonly outcome: 'refused'; readonly reason: 'malformed' | 'high_s' | 'no_such_point' };

/** `recoverAddress`, or a promise of what it answers where another thread is asked. */
export type Recover = (digest: Uint8Array, signature: Uint8Array) => Recovery | Promise<Recovery>;

const engine = loadFastest();
// Half of the group order (SEC 2, secp256k1): of the two signatures (s, n − s) only the low one
// is accepted, as USDC's own ECRecover does; otherwise one proof would have two spellings.
const halfOrder = Buffer.from(
  '7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0',
  'hex',
);
const malformed: Recovery = { outcome: 'refused', reason: 'malformed' };
const highS: Recovery = { outcome: 'refused', reason: 'high_s' };
const noSuchPoint: Recovery = { outcome: 'refused', reason: 'no_such_point' };

/** Says at start which implementation verifies signatures: `wasm` costs a factor of four. */
export function recoveryEngine(): RecoveryEngine {
  return engine.name;
}

/** The signer of a 32-byte digest from a 65-byte signature r ‖ s ‖ v with v in 27, 28, 0, 1. */
export function recoverAddress(digest: Uint8Array, signature: Uint8Array): Recovery {
  return recoverAddressWith(engine, digest, signature);
}

export function recoverAddressWith(
  curve: Secp256k1,
  digest: Uint8Array,
  signature: Uint8Array,
): Recovery {
  if (digest.length !== 32 || signature.length !== 65) return malformed;
  const v = signature[64] ?? 255;
  const recoveryId = v >= 27 ? v - 27 : v;
  if (recoveryId !== 0 && recoveryId !== 1) return malformed;
  if (halfOrder.compare(signature, 32, 64) < 0) return highS;
  const publicKey = curve.recover(digest, signature.subarray(0, 64), recoveryId);
  if (publicKey === null) return noSuchPoint;
  return { outcome: 'recovered', address: addressOfPublicKey(publicKey) };
}

/** r ‖ s ‖ v with low s and v in 27, 28: for clients, generators and tests; services hold no key. */
export function signDigest(digest: Uint8Array, privateKey: Uint8Array): Uint8Array {
  const { rs, recoveryId } = engine.sign(digest, privateKey);
  const signature = new Uint8Array(65);
  signature.set(rs);
  signature[64] = 27 + recoveryId;
  return signature;
}

export function addressOfPrivateKey(privateKey: Uint8Array): Address {
  return addressOfPublicKey(engine.publicKey(privateKey));
}
