import { createRequire } from 'node:module';

export type RecoveryEngine = 'native' | 'wasm';

export interface Secp256k1 {
  readonly name: RecoveryEngine;
  /** The 65-byte uncompressed public key until the next call, or null: the signature has none. */
  recover(hash: Uint8Array, rs: Uint8Array, recoveryId: number): Uint8Array | null;
  sign(hash: Uint8Array, privateKey: Uint8Array): { rs: Uint8Array; recoveryId: number };
  publicKey(privateKey: Uint8Array): Uint8Array;
}

const require = createRequire(import.meta.url);

/** libsecp256k1 as an addon: 13,000–16,000 recoveries a second on one core. */
export function loadNative(): Secp256k1 {
  // Not the package's main file: that one falls back to a JavaScript curve without a word.
  const addon: typeof import('secp256k1') = require('secp256k1/bindings');
  // Above 64 bytes V8 allocates outside of its heap: one that is used again saves that each time.
  const recovered = new Uint8Array(65);
  return {
    name: 'native',
    recover(hash, rs, recoveryId) {
      try {
        return addon.ecdsaRecover(rs, recoveryId, hash, false, recovered);
      } catch {
        return null; // r or s out of range, or no such point on the curve
      }
    },
    sign(hash, privateKey) {
      const { signature, recid } = addon.ecdsaSign(hash, privateKey);
      return { rs: signature, recoveryId: recid };
    },
    publicKey: (privateKey) => addon.publicKeyCreate(privateKey, false),
  };
}

/** The same curve as WebAssembly, where no prebuilt addon fits: 3,700 recoveries a second. */
export function loadWasm(): Secp256k1 {
  const wasm: typeof import('tiny-secp256k1') = require('tiny-secp256k1');
  return {
    name: 'wasm',
    recover(hash, rs, recoveryId) {
      if (recoveryId < 0 || recoveryId > 3) return null;
      try {
        return wasm.recover(hash, rs, recoveryId as 0 | 1 | 2 | 3, false);
      } catch {
        return null;
      }
    },
    sign(hash, privateKey) {
      const { signature, recoveryId } = wasm.signRecoverable(hash, privateKey);
      return { rs: signature, recoveryId };
    },
    publicKey(privateKey) {
      return wasm.pointFromScalar(privateKey, false) ?? new Uint8Array(65);
    },
  };
}

export function loadFastest(): Secp256k1 {
  try {
    return loadNative();
  } catch {
    return loadWasm();
  }
}
