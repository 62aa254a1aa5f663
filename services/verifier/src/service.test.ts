import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AnyEvent } from '@paycrawl/events/event';
import { payerId } from '@paycrawl/events/ids';
import type { Wallet } from '@paycrawl/testkit/devnet-actions';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { bodyV1, bodyV2, network, openWorld, payTo, post, type World } from './service.given.js';
import type { Verifier } from './service.js';

let world: World;
let verifier: Verifier | undefined;

beforeAll(async () => {
  world = await openWorld();
});
afterEach(async () => {
  world.proxy.set({ kind: 'pass' });
  await verifier?.close();
  verifier = undefined;
});
afterAll(() => world.close());

async function started(env: Record<string, string> = {}): Promise<Verifier> {
  verifier = await world.start(env);
  return verifier;
}

/** Waits until the log holds such a decision about the wallet. */
async function decided(type: AnyEvent['type'], wallet: Wallet): Promise<void> {
  const key = payerId(network, wallet.address);
  const isIt = (event: AnyEvent) =>
    event.type === type && 'payer' in event.data && event.data.payer === key;
  await expect.poll(async () => (await world.events('decisions')).some(isIt)).toBe(true);
}

/** The charge that was posted last, as settlement would end it. */
async function endCharge(wallet: Wallet): Promise<string> {
  const key = payerId(network, wallet.address);
  const posted = (await world.events('decisions'))
    .flatMap((event) => (event.type === 'ChargePosted' ? [event] : []))
    .find(({ data }) => data.payer === key);
  if (posted === undefined) expect.fail('no charge was posted');
  const { chargeId, payer, publisherId, asset, amount, kind } = posted.data;
  const transactionHash = `0x${'77'.repeat(32)}`;
  const event: AnyEvent = {
    type: 'ChargeSettled',
    id: 'test',
    source: 'test',
    timeMs: Date.now(),
    data: {
      ...{ chargeId, payer, publisherId, network, asset, amount, kind, transactionHash },
      ...{ batchId: 'b1', blockNumber: 1, blockTimestampS: 1, paidElsewhere: false },
    },
  };
  await world.append('payments', key, event);
  return transactionHash;
}

describe('GET /supported', () => {
  it('behavior: names both versions of the scheme and the signers', async () => {
    const { address } = await started();
    const response = await fetch(`${address}/supported`);
    expect(await response.json()).toEqual({
      kinds: [
        { x402Version: 2, scheme: 'exact', network },
        { x402Version: 1, scheme: 'exact', network: 'base-sepolia' },
      ],
      extensions: [],
      signers: { 'eip155:*': [payTo] },
    });
  });
});

describe('POST /verify', () => {
  it('behavior: a good payment is valid in both versions, and each answer is an event', async () => {
    const service = await started();
    const wallet = await world.richWallet();
    for (const body of [await bodyV2(wallet), await bodyV1(wallet)]) {
      const answer = await post(service, '/verify', body);
      expect(answer).toMatchObject({
        status: 200,
        body: { isValid: true, payer: wallet.address.toLowerCase() },
      });
    }
    const events = await world.events('challenges');
    expect(events.map(({ type, data }) => [type, data])).toMatchObject([
      ['VerificationAnswered', { isValid: true, publisherId: 'facilitator:open' }],
      ['VerificationAnswered', { isValid: true, amount: '1000', network }],
    ]);
    expect(await world.events('payments')).toEqual([]);
  });

  it('behavior: refusals are 200 with the words of the reference', async () => {
    const service = await started();
    const [wallet, poor] = [await world.richWallet(), world.devnet.newWallet()];
    const used = await bodyV2(wallet);
    const soon = BigInt(Math.floor(Date.now() / 1000) + 5);
    const cases = [
      [await bodyV2(wallet, { value: 1n, amount: 2n }), 'payload_authorization_value_mismatch'],
      [await bodyV1(wallet, { value: 1n, amount: 2n }), 'authorization_value'],
      [await bodyV2(wallet, { from: poor.address }), 'signature'],
      [await bodyV2(wallet, { validBefore: soon }), 'payload_authorization_valid_before'],
      [await bodyV2(poor), 'insufficient_balance'],
      [await bodyV2(wallet, { value: 1_000_001n }), 'insufficient_balance'],
      [
        { ...used, paymentRequirements: { ...used.paymentRequirements, payTo: poor.address } },
        'recipient_mismatch',
      ],
    ] as const;
    for (const [body, word] of cases) {
      expect(await post(service, '/verify', body)).toMatchObject({
        status: 200,
        body: { isValid: false, invalidReason: `invalid_exact_evm_${word}` },
      });
    }
    expect((await post(service, '/verify', await bodyV1(poor))).body).toMatchObject({
      invalidReason: 'insufficient_funds',
    });
  });

  it('error: request_invalid for what is no request of this API', async () => {
    const service = await started();
    const good = await bodyV2(world.devnet.newWallet());
    const bad = [{}, [], null, 'x', { ...good, paymentPayload: 1 }, '{"a":', { x402Version: 3 }];
    for (const body of bad) {
      const answer = await post(service, '/verify', body);
      expect(answer).toMatchObject({ status: 400, body: { code: 'request_invalid' } });
      expect(JSON.stringify(answer.body)).not.toMatch(/at .*\.ts|node_modules/);
    }
    const large = await post(service, '/settle', JSON.stringify({ a: 'x'.repeat(70_000) }));
    expect(large).toMatchObject({ status: 413, body: { code: 'body_too_large' } });
  });

  it('error: chain_unavailable is 503 with Retry-After, no verdict', async () => {
    const service = await started();
    const wallet = await world.richWallet();
    world.proxy.set({ kind: 'cut' });
    const answer = await post(service, '/verify', await bodyV2(wallet));
    expect(answer).toMatchObject({ status: 503, body: { code: 'chain_unavailable' } });
    expect(answer.retryAfter).not.toBeNull();
  });

  it('behavior: an account with code is asked itself', async () => {
    const service = await started();
    const owner = world.devnet.newWallet();
    const account = await world.devnet.deploySmartWallet(owner.address);
    await world.devnet.mintUsdc(account, 5_000n);
    await world.devnet.mine(2);
    const good = await post(service, '/verify', await bodyV2(owner, { from: account }));
    expect(good.body).toMatchObject({ isValid: true });
    const stranger = world.devnet.newWallet();
    const bad = await post(service, '/verify', await bodyV2(stranger, { from: account }));
    expect(bad.body).toMatchObject({ invalidReason: 'invalid_exact_evm_signature' });
    const settled = await post(service, '/settle', await bodyV2(owner, { from: account }));
    expect(settled.body).toMatchObject({ errorReason: 'settlement_pending' });
  });
});

describe('POST /settle', () => {
  it('behavior: pending at first; the same payload again is told how it stands', async () => {
    const service = await started();
    const wallet = await world.richWallet();
    const body = await bodyV2(wallet);
    const pending = { success: false, errorReason: 'settlement_pending', transaction: '', network };
    expect((await post(service, '/settle', body)).body).toMatchObject(pending);
    expect((await post(service, '/settle', body)).body).toMatchObject(pending);
    const transaction = await endCharge(wallet);
    const settled = { success: true, transaction, network, payer: wallet.address.toLowerCase() };
    expect((await post(service, '/settle', body)).body).toEqual(settled);
    await service.close();
    expect((await post(await started(), '/settle', body)).body).toEqual(settled);
    const key = payerId(network, wallet.address);
    const charges = (await world.events('decisions')).filter(
      ({ type, data }) => type === 'ChargePosted' && 'payer' in data && data.payer === key,
    );
    expect(charges).toHaveLength(1);
    expect((await post(verifier ?? service, '/verify', body)).body).toMatchObject({
      invalidReason: 'invalid_exact_evm_nonce_already_used',
    });
  });

  it('behavior: success at once when the transfer is confirmed in time', async () => {
    const service = await started({ FACILITATOR_SETTLE_WITHIN_MS: '20000' });
    const wallet = await world.richWallet();
    const body = await bodyV1(wallet);
    const answers = Promise.all([post(service, '/settle', body), post(service, '/settle', body)]);
    await decided('LeaseGranted', wallet);
    const transaction = await endCharge(wallet);
    for (const { body: answer } of await answers) {
      expect(answer).toMatchObject({ success: true, transaction, network: 'base-sepolia' });
    }
  });

  it('behavior: refusals are 200 with the words of the reference, and events', async () => {
    const service = await started();
    const [wallet, poor] = [await world.richWallet(1_500n), world.devnet.newWallet()];
    const forged = await post(service, '/settle', await bodyV2(wallet, { from: poor.address }));
    expect(forged).toMatchObject({
      status: 200,
      body: { success: false, errorReason: 'invalid_exact_evm_signature', transaction: '' },
    });
    const broke = await post(service, '/settle', await bodyV2(poor));
    expect(broke.body).toMatchObject({ errorReason: 'invalid_exact_evm_insufficient_balance' });
    const old = BigInt(Math.floor(Date.now() / 1000) - 5);
    const expired = await post(service, '/settle', await bodyV2(wallet, { validBefore: old }));
    expect(expired.body).toMatchObject({
      errorReason: 'invalid_exact_evm_payload_authorization_valid_before',
    });
    await post(service, '/settle', await bodyV2(wallet));
    const second = await post(service, '/settle', await bodyV2(wallet));
    expect(second.body).toMatchObject({ errorReason: 'invalid_exact_evm_insufficient_balance' });
  });

  it('error: funds_unknown is 503: the chain is away, nothing is settled', async () => {
    const service = await started({ FACILITATOR_DECIDE_WITHIN_MS: '500' });
    const wallet = await world.richWallet();
    world.proxy.set({ kind: 'cut' });
    const answer = await post(service, '/settle', await bodyV2(wallet));
    expect(answer).toMatchObject({ status: 503, body: { code: 'funds_unknown' } });
    expect((await fetch(`${service.address}/readyz`)).status).toBe(503);
    world.proxy.set({ kind: 'pass' });
    await expect
      .poll(async () => (await fetch(`${service.address}/readyz`)).status, { timeout: 10_000 })
      .toBe(200);
  });

  it('behavior: a service that closes tells who waits how the charge stands', async () => {
    const service = await started({ FACILITATOR_SETTLE_WITHIN_MS: '60000' });
    const wallet = await world.richWallet();
    const answer = post(service, '/settle', await bodyV2(wallet));
    await decided('ChargePosted', wallet);
    await service.close();
    verifier = undefined;
    expect((await answer).body).toMatchObject({ errorReason: 'settlement_pending' });
  });
});

describe('API keys', () => {
  it('error: token_invalid without a key or with an unknown one; accounts stand apart', async () => {
    const sha256 = createHash('sha256').update('key-of-acme').digest('hex');
    await mkdir(join(world.directory, 'secrets'), { recursive: true });
    const file = join(world.directory, 'secrets', 'facilitator-keys.json');
    await writeFile(file, JSON.stringify({ keys: [{ account: 'acme', sha256 }] }), { mode: 0o600 });
    const service = await started({ FACILITATOR_IS_OPEN: 'false' });
    const body = await bodyV2(await world.richWallet());
    for (const authorization of ['', 'Bearer nonsense', 'Basic key-of-acme']) {
      const headers = authorization === '' ? {} : { authorization };
      expect(await post(service, '/verify', body, headers)).toMatchObject({ status: 401 });
    }
    for (const headers of [
      { authorization: 'Bearer key-of-acme' },
      { 'x-api-key': 'key-of-acme' },
    ]) {
      expect((await post(service, '/verify', body, headers)).body).toMatchObject({ isValid: true });
    }
    expect((await world.events('challenges')).at(-1)?.data).toMatchObject({
      publisherId: 'facilitator:acme',
    });
    expect((await fetch(`${service.address}/supported`)).status).toBe(200);
    await writeFile(file, 'not json');
    await service.close();
    await expect(started()).rejects.toMatchObject({ code: 'secret_unreadable' });
    await writeFile(file, '{"keys":[]}');
  });
});

describe('operations', () => {
  it('behavior: probes and metrics answer; a changed setting takes effect by a record', async () => {
    const service = await started({ ADMISSION_MARGIN_S: '77' });
    for (const path of ['/livez', '/readyz']) {
      expect((await fetch(`${service.address}${path}`)).status).toBe(200);
    }
    const metrics = await (await fetch(`${service.address}/metrics`)).text();
    expect(metrics).toContain('paycrawl_fold_lag_records');
    await expect
      .poll(async () =>
        (await world.events('payments'))
          .filter(({ type }) => type === 'AdmissionSettingsChanged')
          .map(({ data }) => data),
      )
      .toEqual(Array.from({ length: 2 }, () => expect.objectContaining({ marginS: 77 })));
    await service.close();
    verifier = undefined;
  });

  it('behavior: the margin follows what settlement measures, partition by partition', async () => {
    const measure = (partition: number, marginS: number) =>
      world.append('registry', 'settlement', {
        ...{ type: 'SettlementMeasured', id: `m-${marginS}`, source: 'settlement', timeMs: 1 },
        data: {
          ...{ partition, network, marginS, queueCharges: 1, ratePerMinute: 1 },
          ...{ slowestConfirmationMs: 1, clockDifferenceMs: 0, gasCostWeiPerCharge: '1' },
        },
      });
    const written = async (marginS: number) =>
      (await world.events('payments')).filter(
        ({ type, data }) =>
          type === 'AdmissionSettingsChanged' && (data as { marginS: number }).marginS === marginS,
      ).length;
    // Measured before this process started, and while it runs.
    await measure(0, 118);
    const service = await started({ ADMISSION_MARGIN_S: '78' });
    await expect.poll(() => written(120)).toBe(1);
    await expect.poll(() => written(78)).toBe(1);
    await measure(1, 6_000);
    await expect.poll(() => written(450)).toBe(1);
    // A proof that any of them would refuse is not called valid.
    const validBefore = BigInt(Math.floor(Date.now() / 1000) + 300);
    const body = await bodyV2(await world.richWallet(), { validBefore });
    await expect
      .poll(async () => (await post(service, '/verify', body)).body)
      .toMatchObject({ isValid: false });
    await measure(1, 1);
    const patient = await bodyV2(await world.richWallet(), { validBefore });
    await expect
      .poll(async () => (await post(service, '/verify', patient)).body)
      .toMatchObject({ isValid: true });
    await measure(0, 1);
    await expect.poll(() => written(78)).toBe(3);
    expect([await written(120), await written(450)]).toEqual([1, 1]);
  });
});
