import { fail } from '@paycrawl/errors/paycrawl-error';
import type { RunFile } from '@paycrawl/standalone/run-file';
import { type LoadFigures, runClosedLoop } from '../driver/closed-loop.js';
import type { HttpTarget } from '../driver/http-connection.js';
import { type Payer, readOffer, signProof } from '../payload/sign-proofs.js';

const userAgent = 'GPTBot/1.3';

/** Unpaid requests: each answered 402 only after its challenge is durable. */
export function benchChallenges(
  run: RunFile,
  path: string,
  connections: number,
  secondsMax: number,
): Promise<LoadFigures> {
  const bytes = requestBytes(run, path);
  return runClosedLoop({
    target: targetOf(run.ingress),
    connections,
    secondsMax,
    next: () => bytes,
    isExpected: ({ status }) => status === 402,
  });
}

export interface PaidCrawlsOptions {
  readonly path: string;
  readonly connections: number;
  readonly crawls: number;
  readonly payers: readonly Payer[];
}

/** Paid crawls, each with a proof of its own, signed before the clock starts. */
export async function benchPaidCrawls(
  run: RunFile,
  { path, connections, crawls, payers }: PaidCrawlsOptions,
): Promise<LoadFigures> {
  const offered = readOffer(await offerOf(run, path));
  const nowS = Math.floor(Date.now() / 1000);
  // Every payer crawls once before: its funds are known, as in a steady state.
  const first = payers.map((payer) => requestBytes(run, path, signProof(offered, payer, nowS)));
  const requests = Array.from({ length: crawls }, (_, i) =>
    requestBytes(run, path, signProof(offered, payers[i % payers.length] as Payer, nowS)),
  );
  const loop = (queue: Buffer[], most: number): Promise<LoadFigures> =>
    runClosedLoop({
      target: targetOf(run.ingress),
      connections: most,
      secondsMax: 120,
      next: () => queue.pop(),
      isExpected: ({ status, head }) => status === 200 && /\r\npayment-response:/i.test(head),
    });
  await loop(first, Math.min(connections, payers.length));
  return loop(requests, connections);
}

async function offerOf(run: RunFile, path: string): Promise<string> {
  const response = await fetch(`${run.ingress}${path}`, { headers: { 'user-agent': userAgent } });
  const header = response.headers.get('payment-required');
  if (header === null) throw fail('bench_failed', `${path} is not priced: HTTP ${response.status}`);
  return header;
}

function requestBytes(run: RunFile, path: string, proof?: string): Buffer {
  const payment = proof === undefined ? '' : `payment-signature: ${proof}\r\n`;
  return Buffer.from(
    `GET ${path} HTTP/1.1\r\nhost: ${new URL(run.ingress).host}\r\n` +
      `user-agent: ${userAgent}\r\n${payment}\r\n`,
  );
}

export function targetOf(origin: string): HttpTarget {
  const { hostname, port } = new URL(origin);
  return { host: hostname, port: Number.parseInt(port, 10) };
}
