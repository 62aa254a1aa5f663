import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { addressOfPublicKey } from '@paycrawl/crypto/address';
import { recoverAddress, recoveryEngine } from '@paycrawl/crypto/recover';
import { fail } from '@paycrawl/errors/paycrawl-error';
import secp256k1 from 'secp256k1';
import { type LoadFigures, runClosedLoop } from '../driver/closed-loop.js';

/** Fastify answering the same 402 bytes and doing nothing else: the limit of the HTTP side. */
export interface BareFastify {
  readonly pid: number;
  load(connections: number, secondsMax: number): Promise<LoadFigures>;
  close(): void;
}

export async function startBareFastify(header: string, body: string): Promise<BareFastify> {
  const program = fileURLToPath(new URL('./bare-fastify-main.js', import.meta.url));
  const child = fork(program, [header, body]);
  const port = await new Promise<number>((resolve) => child.once('message', resolve as never));
  const bytes = Buffer.from('GET /articles/1 HTTP/1.1\r\nhost: bare\r\n\r\n');
  return {
    pid: child.pid ?? 0,
    load: (connections, secondsMax) =>
      runClosedLoop({
        target: { host: '127.0.0.1', port },
        connections,
        secondsMax,
        next: () => bytes,
        isExpected: ({ status }) => status === 402,
      }),
    close: () => void child.kill(),
  };
}

export async function benchBareFastify(
  header: string,
  body: string,
  connections: number,
  secondsMax: number,
): Promise<LoadFigures> {
  const bare = await startBareFastify(header, body);
  await bare.load(connections, secondsMax / 4);
  const figures = await bare.load(connections, secondsMax);
  bare.close();
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
