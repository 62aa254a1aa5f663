import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { domainSeparator, transferAuthorizationDigest } from '@paycrawl/crypto/eip712';
import { recoverAddress } from '@paycrawl/crypto/recover';
import { afterAll, expect, test } from 'vitest';
import { derivePayers } from './payers.js';
import { writeProofFile } from './proof-file.js';
import type { Offered } from './sign-proofs.js';

const folder = mkdtempSync(join(tmpdir(), 'paycrawl-proofs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const token = { name: 'USDC', version: '2' };
const accepted = {
  ...{ scheme: 'exact', network: 'eip155:84532', amount: '1000', maxTimeoutSeconds: 300 },
  asset: '0x036CbD53842c5426634e7929541eC2318f3dCF7e',
  payTo: '0x3a0727ce168AA5b4C70320df19406864646615d7',
  extra: { ...token, challenge: 'c' },
};
const resource = { url: 'https://news.example/a', description: 'Café – prices' };
const offered: Offered = { resource, accepts: [accepted] };
const payers = { seed: 'test', count: 7 };
const validBeforeS = 1_900_000_000;

/** Signed by whom it names, for what was offered. */
function signerOf({ authorization, signature }: Payment['payload']): string {
  const { name, version } = token;
  const domain = { name, version, chainId: 84532n, verifyingContract: accepted.asset };
  const digest = transferAuthorizationDigest(domainSeparator(domain), {
    ...authorization,
    value: BigInt(authorization.value),
    validAfter: BigInt(authorization.validAfter),
    validBefore: BigInt(authorization.validBefore),
  });
  const recovery = recoverAddress(digest, Buffer.from(signature.slice(2), 'hex'));
  return recovery.outcome === 'recovered' ? recovery.address : recovery.outcome;
}

interface Payment {
  readonly x402Version: number;
  readonly network?: string;
  readonly accepted?: unknown;
  readonly resource?: unknown;
  readonly payload: {
    readonly authorization: Record<
      'from' | 'to' | 'value' | 'validAfter' | 'validBefore' | 'nonce',
      string
    >;
    readonly signature: string;
  };
}

async function payments(v1Network?: string): Promise<Payment[]> {
  const path = join(folder, `proofs-${v1Network}.txt`);
  const terms = { validBeforeS, v1Network };
  await writeProofFile({ path, count: 2_345, offered, terms, payers, workers: 2 });
  const lines = readFileSync(path, 'latin1').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(Buffer.from(line, 'base64').toString()) as Payment);
}

test.each([undefined, 'base-sepolia'])(
  'behavior: every line is a proof of its own, payers in turn (version 1 network: %s)',
  async (v1Network) => {
    const all = await payments(v1Network);
    const addresses = derivePayers(payers).map(({ address }) => address);
    expect(all.map(({ payload }) => payload.authorization.from)).toEqual(
      all.map((_, index) => addresses[index % addresses.length]),
    );
    expect(new Set(all.map(({ payload }) => payload.authorization.nonce)).size).toBe(2_345);
    for (const { payload } of all.filter((_, index) => index % 100 === 0)) {
      expect(signerOf(payload)).toBe(payload.authorization.from);
      expect(payload.authorization).toMatchObject({ to: accepted.payTo, value: '1000' });
      expect(payload.authorization.validBefore).toBe(String(validBeforeS));
    }
    const version = v1Network === undefined ? 2 : 1;
    expect(all.at(-1)).toMatchObject({ x402Version: version });
    if (version === 2) expect(all.at(-1)).toMatchObject({ accepted, resource });
    else expect(all.at(-1)).toMatchObject({ scheme: 'exact', network: v1Network });
  },
  60_000,
);
