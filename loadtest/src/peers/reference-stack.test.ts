import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { benchPaidCrawls } from '../bench/crawls.js';
import { benchVerifications } from '../bench/facilitator-verify.js';
import { derivePayers } from '../payload/payers.js';
import { peersFolder } from './install-peers.js';
import { type ReferenceStack, startReferenceStack } from './reference-stack.js';

const isInstalled = existsSync(join(peersFolder, 'node_modules', '@x402', 'express'));
const why = isInstalled ? '' : ' (skipped: not installed here; `npm run bench:peers` does it)';
const payers = derivePayers({ seed: 'peers', count: 2 });

test('behavior: the lockfile pins the reference stack', () => {
  const { packages } = JSON.parse(readFileSync(join(peersFolder, 'package-lock.json'), 'utf8'));
  for (const name of ['core', 'evm', 'express']) {
    const { version, integrity } = packages[`node_modules/@x402/${name}`];
    expect([version, integrity]).toEqual(['2.27.0', expect.stringMatching(/^sha512-/)]);
  }
});

describe.skipIf(!isInstalled)(`the reference stack${why}`, () => {
  let stack: ReferenceStack;

  beforeAll(async () => {
    stack = await startReferenceStack({ payers, hasNonceManager: true });
  }, 120_000);

  afterAll(() => stack?.close());

  test('behavior: it verifies and serves what the driver brings', async () => {
    const { facilitator, chain, payTo, server } = stack;
    const asked = { facilitator, chain, publisher: { id: 'peer', payTo, token: '' } };
    const verified = await benchVerifications(asked, { connections: 2, verifications: 4, payers });
    expect(verified).toMatchObject({ requests: 4, failures: 0 });
    const page = { ingress: server, host: new URL(server).host, path: '/page' };
    const crawls = { connections: 2, crawls: 4, warmUpCrawls: 2, payers };
    expect(await benchPaidCrawls(page, crawls)).toMatchObject({ requests: 4, failures: 0 });
  }, 120_000);
});
