import { createHash } from 'node:crypto';
import { addressOfPublicKey } from '@paycrawl/crypto/address';
import { fail } from '@paycrawl/errors/paycrawl-error';
import secp256k1 from 'secp256k1';
import type { Payer } from './sign-proofs.js';

/** A seed gives the same payers on every machine, so that a platform knows them the second time. */
export interface PayerSeed {
  readonly seed: string;
  readonly count: number;
}

/** For tests and devnets: whoever knows the seed has the keys. */
export function derivePayers({ seed, count }: PayerSeed): readonly Payer[] {
  return Array.from({ length: count }, (_, index) => {
    const key = createHash('sha256').update(`paycrawl payer ${seed} ${index}`).digest();
    // One hash in 2^128 is no key of the curve.
    if (!secp256k1.privateKeyVerify(key)) throw fail('bench_failed', 'take another seed');
    const address = addressOfPublicKey(secp256k1.publicKeyCreate(key, false));
    return { address, privateKey: `0x${key.toString('hex')}` };
  });
}
