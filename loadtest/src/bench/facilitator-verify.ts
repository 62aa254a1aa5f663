import type { RunFile } from '@paycrawl/standalone/run-file';
import { type LoadFigures, runClosedLoop } from '../driver/closed-loop.js';
import { targetOf } from '../driver/http-connection.js';
import { type Offered, type Payer, proofSigner, validBeforeOf } from '../payload/sign-proofs.js';
import type { Stopwatch } from './crawls.js';

export interface VerificationsOptions {
  readonly connections: number;
  readonly verifications: number;
  /** Funded accounts; each signs its share before the clock starts. */
  readonly payers: readonly Payer[];
}

/**
 * Valid payments through `POST /verify` of the facilitator API over kept connections: native
 * recovery, balance, code and nonce from the chain, and a durable event for each answer.
 */
export function benchVerifications(
  run: Pick<RunFile, 'facilitator' | 'chain' | 'publisher'>,
  { connections, verifications, payers }: VerificationsOptions,
  stopwatch?: Stopwatch,
): Promise<LoadFigures> {
  const requests = signedVerifications(run, payers, verifications);
  // The answer is of one form and length when it is valid; every refusal is longer or shorter.
  const validBytes = `{"isValid":true,"payer":"0x${'0'.repeat(40)}"}`.length;
  stopwatch?.onMeasuring();
  return runClosedLoop({
    target: targetOf(run.facilitator),
    connections,
    secondsMax: 120,
    next: () => requests.pop(),
    isExpected: ({ status, bodyBytes }) => status === 200 && bodyBytes === validBytes,
  }).finally(() => stopwatch?.onMeasured());
}

function signedVerifications(
  run: Pick<RunFile, 'facilitator' | 'chain' | 'publisher'>,
  payers: readonly Payer[],
  count: number,
): Buffer[] {
  const offered = offerOf(run);
  const validBeforeS = validBeforeOf(offered, Math.floor(Date.now() / 1000));
  const sign = proofSigner(offered, { validBeforeS });
  return Array.from({ length: count }, (_, i) =>
    requestBytes(run.facilitator, offered, sign(payers[i % payers.length] as Payer)),
  );
}

function offerOf({ chain, publisher }: Pick<RunFile, 'chain' | 'publisher'>): Offered {
  const { network, asset, name, version } = chain;
  const accepted = {
    ...{ scheme: 'exact', network, amount: '1000', asset, payTo: publisher.payTo },
    ...{ maxTimeoutSeconds: 300, extra: { name, version } },
  };
  return { resource: { url: 'https://elsewhere.test/page' }, accepts: [accepted] };
}

function requestBytes(origin: string, offered: Offered, proof: string): Buffer {
  const body = JSON.stringify({
    x402Version: 2,
    paymentPayload: JSON.parse(Buffer.from(proof, 'base64').toString()),
    paymentRequirements: offered.accepts[0],
  });
  return Buffer.from(
    `POST /verify HTTP/1.1\r\nhost: ${new URL(origin).host}\r\n` +
      `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
}
