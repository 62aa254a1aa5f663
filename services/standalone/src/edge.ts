import { join } from 'node:path';
import { createLocalWakeups } from '@paycrawl/event-log/wakeups';
import { quoteKeysFile, readQuoteKeys } from '@paycrawl/ingress/challenge/quote-keys';
import { loadIngressConfig } from '@paycrawl/ingress/config';
import { startIngress } from '@paycrawl/ingress/service';
import type { Logger } from '@paycrawl/service-kit/logger';
import { startRecoveryThreads } from '@paycrawl/service-kit/recovery-threads';
import { loadVerifierConfig } from '@paycrawl/verifier/config';
import { startVerifier } from '@paycrawl/verifier/service';
import type { Parts } from './service-parts.js';

export interface Edge {
  readonly ingress: string;
  readonly facilitator: string;
}

export interface EdgeOptions {
  /** Addresses that settlement sends from. */
  readonly signers: readonly string[];
  readonly recoveryThreads: number;
  readonly logger: Logger;
}

/** What a crawler waits for: admission and delivery, side by side, so that wake-ups cost nothing. */
export async function startEdge(
  parts: Parts,
  { signers, recoveryThreads, logger }: EdgeOptions,
): Promise<Edge> {
  const { lifecycle, chain, environment, secretsDirectory } = parts;
  // Beside the edge, and as urgent: only the back office steps back.
  const recoveries = await startRecoveryThreads({
    threads: recoveryThreads,
    onFailure: (err) => logger.error({ err }, 'signers are recovered on the event loop'),
  });
  lifecycle.onClose('recovery threads', recoveries.close);
  const wakeups = createLocalWakeups();
  const verifier = await startVerifier({
    ...parts.common('verifier'),
    ...{ chain, wakeups, secretsDirectory, signers, recoveries },
    storeDirectory: parts.storeOf('verifier'),
    config: loadVerifierConfig(environment),
  });
  lifecycle.onClose('verifier', verifier.close);
  const ingress = await startIngress({
    ...parts.common('ingress'),
    ...{ wakeups, recoveries },
    chains: new Map([[`eip155:${chain.chainId}`, chain]]),
    quoteKeys: await readQuoteKeys(join(secretsDirectory, quoteKeysFile)),
    config: loadIngressConfig(environment),
  });
  lifecycle.onClose('ingress', ingress.close);
  return { ingress: ingress.address, facilitator: verifier.address };
}
