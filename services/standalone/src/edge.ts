import { join } from 'node:path';
import { createLocalWakeups } from '@paycrawl/event-log/wakeups';
import { quoteKeysFile, readQuoteKeys } from '@paycrawl/ingress/challenge/quote-keys';
import { loadIngressConfig } from '@paycrawl/ingress/config';
import { startIngress } from '@paycrawl/ingress/service';
import { loadVerifierConfig } from '@paycrawl/verifier/config';
import { startVerifier } from '@paycrawl/verifier/service';
import type { Parts } from './service-parts.js';

export interface Edge {
  readonly ingress: string;
  readonly facilitator: string;
}

/** What a crawler waits for: admission and delivery, side by side, so that wake-ups cost nothing. */
export async function startEdge(parts: Parts, signers: readonly string[]): Promise<Edge> {
  const { lifecycle, chain, environment, secretsDirectory } = parts;
  const wakeups = createLocalWakeups();
  const verifier = await startVerifier({
    ...parts.common('verifier'),
    ...{ chain, wakeups, secretsDirectory, signers },
    storeDirectory: parts.storeOf('verifier'),
    config: loadVerifierConfig(environment),
  });
  lifecycle.onClose('verifier', verifier.close);
  const ingress = await startIngress({
    ...parts.common('ingress'),
    wakeups,
    chains: new Map([[`eip155:${chain.chainId}`, chain]]),
    quoteKeys: await readQuoteKeys(join(secretsDirectory, quoteKeysFile)),
    config: loadIngressConfig(environment),
  });
  lifecycle.onClose('ingress', ingress.close);
  return { ingress: ingress.address, facilitator: verifier.address };
}
