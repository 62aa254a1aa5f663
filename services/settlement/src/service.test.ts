import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Chain } from '@paycrawl/chain/chain';
import { openChain } from '@paycrawl/chain/chain-client';
import { hasCode } from '@paycrawl/errors/paycrawl-error';
import type { EventLog } from '@paycrawl/event-log/event-log';
import { openLmdbLog } from '@paycrawl/event-log/lmdb-log';
import { type AnyEvent, decodeEvent, encodeEvent } from '@paycrawl/events/event';
import { physicalTopic, type TopicName, topicConfigs } from '@paycrawl/events/topics';
import { createLogger } from '@paycrawl/service-kit/logger';
import { createMetrics } from '@paycrawl/service-kit/metrics';
import { type Devnet, startDevnet } from '@paycrawl/testkit/devnet';
import { makeAuthorization, signAuthorization } from '@paycrawl/testkit/payments';
import type { Hex } from 'viem';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadSettlementConfig } from './config.js';
import { type Settlement, startSettlement } from './service.js';
import { loadSigners } from './signers.js';

const partitions = 2;
const payTo: Hex = `0x${'cc'.repeat(20)}`;
const network = 'eip155:84532';

let directory: string;
let devnet: Devnet;
let chain: Chain;
let log: EventLog;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'paycrawl-settlement-'));
  devnet = await startDevnet({ directory: join(directory, 'devnet') });
  chain = openChain({ rpcUrl: devnet.rpcUrl, chainId: devnet.chainId });
  log = openLmdbLog({ directory: join(directory, 'log') });
  await log.createTopics(topicConfigs({ payer: partitions, publisher: 1 }, 3_600_000));
});

afterAll(async () => {
  await log.close();
  await devnet.stop();
  await rm(directory, { recursive: true });
});

async function start(env: Record<string, string> = {}): Promise<Settlement> {
  const signers = await loadSigners(join(directory, 'secrets'), partitions);
  return startSettlement({
    log,
    chain,
    storeDirectory: join(directory, 'settlement'),
    signers,
    config: loadSettlementConfig({
      SETTLEMENT_POLL_INTERVAL_MS: '100',
      SETTLEMENT_BATCH_AGE_MAX_MS: '300',
      SETTLEMENT_MEASURE_INTERVAL_MS: '500',
      CHAIN_FINALITY_DEPTH: '2',
      ...env,
    }),
    logger: createLogger({ service: 'settlement' }),
    metrics: createMetrics({ service: 'settlement' }),
    clock: Date.now,
    onFatal: (error) => expect.unreachable(String(error)),
  });
}

async function takeCharges(count: number, partition: number): Promise<void> {
  const wallet = devnet.newWallet();
  await devnet.mintUsdc(wallet.address, 1_000n * BigInt(count));
  const from = wallet.address.toLowerCase();
  const producer = log.producer();
  for (let number = 0; number < count; number += 1) {
    const authorization = makeAuthorization({ from: wallet.address, to: payTo, value: 1_000n });
    const data = {
      chargeId: `c${authorization.nonce.slice(2, 12)}`,
      payer: `${network}:${from}`,
      publisherId: 'p1',
      network,
      asset: devnet.usdc.toLowerCase(),
      amount: '1000',
      kind: 'crawl' as const,
      payTo,
      authorization: {
        ...{ from, to: payTo, value: '1000', validAfter: '0', nonce: authorization.nonce },
        validBefore: authorization.validBefore.toString(),
      },
      signature: await signAuthorization(authorization, wallet),
      settleAlone: false,
      sealAtOnce: false,
    };
    const event: AnyEvent = {
      ...{ type: 'ChargeDue', id: data.chargeId, source: 'metering', timeMs: Date.now(), data },
    };
    const topic = physicalTopic('charges');
    await producer.append([{ topic, partition, key: data.payer, value: encodeEvent(event) }]);
  }
  await producer.close();
}

async function eventsOf(topic: TopicName, count = partitions): Promise<AnyEvent[]> {
  const events: AnyEvent[] = [];
  for (let partition = 0; partition < count; partition += 1) {
    const place = { topic: physicalTopic(topic), partition };
    for (const record of await log.read(place, 0, 10_000)) {
      const decoded = decodeEvent(record.value);
      if (decoded.kind === 'event') events.push(decoded.event);
    }
  }
  return events;
}

async function settledCount(): Promise<number> {
  return (await eventsOf('payments')).filter(({ type }) => type === 'ChargeSettled').length;
}

test('behavior: signer keys are made once, for their owner only', async () => {
  const secrets = join(directory, 'secrets');
  const first = await loadSigners(secrets, partitions);
  expect(await loadSigners(secrets, partitions)).toEqual(first);
  const { mode } = await stat(join(secrets, 'signers.json'));
  expect(mode & 0o777).toBe(0o600);
  expect(await readFile(join(secrets, 'signers.json'), 'utf8')).toContain(first[0]?.privateKey);
  const error = await loadSigners(secrets, partitions + 1).catch((reason: unknown) => reason);
  expect(hasCode(error, 'settlement_signer_unknown')).toBe(true);
});

test('behavior: from the log to the chain and back, over a restart, without loss or double', async () => {
  const signers = await loadSigners(join(directory, 'secrets'), partitions);
  for (const { address } of signers) await devnet.setEth(address, 10n ** 18n);
  let settlement = await start();
  await Promise.all([takeCharges(7, 0), takeCharges(5, 1)]);
  await expect.poll(settledCount, { timeout: 20_000 }).toBe(12);
  expect(settlement.troubles()).toEqual([]);
  await takeCharges(4, 0);
  // Somewhere in the middle of the batch.
  await settlement.close();
  settlement = await start();
  await expect.poll(settledCount, { timeout: 20_000 }).toBe(16);
  expect(await chain.balanceOf(devnet.usdc, payTo, 'latest')).toBe(16_000n);
  await expect
    .poll(async () => (await eventsOf('registry', 1)).map(({ type }) => type))
    .toContain('SettlementMeasured');
  await settlement.close();
  const payments = await eventsOf('payments');
  const inFlight = payments.filter(({ type }) => type === 'ChargeInFlight');
  const returned = payments.filter(({ type }) => type === 'ChargeReturned');
  expect(inFlight.length - returned.length).toBe(16);
});

test('error: settlement_out_of_gas is what readiness says', async () => {
  const signers = await loadSigners(join(directory, 'secrets'), partitions);
  for (const { address } of signers) await devnet.setEth(address, 0n);
  const settlement = await start();
  await takeCharges(1, 1);
  await expect
    .poll(() => settlement.troubles(), { timeout: 10_000 })
    .toMatchObject([{ partition: 1, code: 'settlement_out_of_gas' }]);
  expect(settlement.assertUntroubled).toThrowError('settlement_out_of_gas');
  const before = await settledCount();
  for (const { address } of signers) await devnet.setEth(address, 10n ** 18n);
  await expect.poll(settledCount, { timeout: 20_000 }).toBe(before + 1);
  await expect.poll(() => settlement.troubles()).toEqual([]);
  await settlement.close();
});
