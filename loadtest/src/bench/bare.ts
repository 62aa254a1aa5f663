import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { addressOfPublicKey } from '@paycrawl/crypto/address';
import { recoverAddress, recoveryEngine } from '@paycrawl/crypto/recover';
import { fail } from '@paycrawl/errors/paycrawl-error';
import secp256k1 from 'secp256k1';
import { type LoadFigures, runClosedLoop } from '../driver/closed-loop.js';

/** Fastify answering the same 402 bytes and doing nothing else: the limit of the HTTP side. */
export async function benchBareFastify(
  header: string,
  body: string,
  connections: number,
  secondsMax: number,
): Promise<LoadFigures> {
  const child = fork(fileURLToPath(new URL('./bare-fastify-main.js', import.meta.url)), [
    header,
    body,
  ]);
  const port = await new Promise<number>((resolve) => child.once('message', resolve as never));
  const bytes = Buffer.from('GET /articles/1 HTTP/1.1\r\nhost: bare\r\n\r\n');
  const figures = await runClosedLoop({
    target: { host: '127.0.0.1', port },
    connections,
    secondsMax,
    next: () => bytes,
    isExpected: ({ status }) => status === 402,
  });
  child.kill();
  return figures;
}

/** Signature recoveries per second on one core: the limit of verification. */
export function benchBareRecovery(count: number): { engine: string; perS: number } {
  const key = randomBytes(32);
  const address = addressOfPublicKey(secp256k1.publicKeyCreate(key, false));
  const signed = Array.from({ length: 256 }, () => {
    const digest = randomBytes(32);
    const { signature, recid } = secp256k1.ecdsaSign(digest, key);
    return { digest, signature: Buffer.from([...signature, 27 + recid]) };
  });
  const startedMs = performance.now();
  for (let i = 0; i < count; i++) {
    const { digest, signature } = signed[i % signed.length] as (typeof signed)[number];
    const recovery = recoverAddress(digest, signature);
    if (recovery.outcome !== 'recovered' || recovery.address !== address) {
      throw fail('bench_failed', 'recovery is wrong');
    }
  }
  const seconds = (performance.now() - startedMs) / 1000;
  return { engine: recoveryEngine(), perS: Math.round(count / seconds) };
}
