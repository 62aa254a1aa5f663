import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Chain } from '@paycrawl/chain/chain';
import { openChain } from '@paycrawl/chain/chain-client';
import type { EventLog } from '@paycrawl/event-log/event-log';
import { openLmdbLog } from '@paycrawl/event-log/lmdb-log';
import { partitionForKey } from '@paycrawl/event-log/partitioner';
import { createLocalWakeups, type Wakeups } from '@paycrawl/event-log/wakeups';
import { type AnyEvent, decodeEvent, encodeEvent } from '@paycrawl/events/event';
import { physicalTopic, type TopicName, topicConfigs } from '@paycrawl/events/topics';
import { createLogger } from '@paycrawl/service-kit/logger';
import { createMetrics } from '@paycrawl/service-kit/metrics';
import { type Devnet, startDevnet } from '@paycrawl/testkit/devnet';
import type { Wallet } from '@paycrawl/testkit/devnet-actions';
import { makeAuthorization, signAuthorization } from '@paycrawl/testkit/payments';
import { type SlowProxy, startSlowProxy } from '@paycrawl/testkit/slow-proxy';
import { expect } from 'vitest';
import { loadVerifierConfig } from './config.js';
import { startVerifier, type Verifier } from './service.js';

/** A verifier on a devnet of its own, with a log in a temporary folder. */
export interface World {
  readonly directory: string;
  readonly devnet: Devnet;
  readonly proxy: SlowProxy;
  readonly chain: Chain;
  readonly log: EventLog;
  readonly wakeups: Wakeups;
  start(env?: Record<string, string>): Promise<Verifier>;
  richWallet(amount?: bigint): Promise<Wallet>;
  append(topic: TopicName, key: string, event: AnyEvent): Promise<void>;
  events(topic: TopicName): Promise<AnyEvent[]>;
  close(): Promise<void>;
}

export const partitions = 2;
export const network = 'eip155:84532';
export const payTo = `0x${'ab'.repeat(20)}` as const;

export async function openWorld(): Promise<World> {
  const directory = await mkdtemp(join(tmpdir(), 'paycrawl-verifier-'));
  const devnet = await startDevnet({ directory: join(directory, 'devnet') });
  const proxy = await startSlowProxy(devnet.rpcUrl);
  const chain = openChain({ rpcUrl: proxy.url, chainId: devnet.chainId, timeoutMs: 1_000 });
  const log = openLmdbLog({ directory: join(directory, 'log') });
  await log.createTopics(topicConfigs({ payer: partitions, publisher: 1 }, 3_600_000));
  const wakeups = createLocalWakeups();
  const producer = log.producer();
  return {
    ...{ directory, devnet, proxy, chain, log, wakeups },
    start: (env = {}) =>
      startVerifier({
        ...{ log, chain, wakeups },
        storeDirectory: join(directory, 'verifier'),
        secretsDirectory: join(directory, 'secrets'),
        config: loadVerifierConfig({
          FACILITATOR_IS_OPEN: 'true',
          FACILITATOR_SETTLE_WITHIN_MS: '300',
          CHAIN_FINALITY_DEPTH: '1',
          ...env,
        }),
        logger: createLogger({ service: 'verifier' }),
        metrics: createMetrics({ service: 'verifier' }),
        signers: [payTo],
        clock: Date.now,
        onFatal: (error) => expect.unreachable(String(error)),
      }),
    richWallet: async (amount = 1_000_000n) => {
      const wallet = devnet.newWallet();
      await devnet.mintUsdc(wallet.address, amount);
      // Below the depth: what is observed is the smaller of there and the head.
      await devnet.mine(2);
      return wallet;
    },
    append: async (topic, key, event) => {
      const partition = topic === 'registry' ? 0 : partitionForKey(key, partitions);
      const record = { topic: physicalTopic(topic), partition, key, value: encodeEvent(event) };
      await producer.append([record]);
    },
    events: (topic) => readAll(log, topic),
    close: async () => {
      await producer.close();
      await log.close();
      await proxy.close();
      await devnet.stop();
      await rm(directory, { recursive: true });
    },
  };
}

async function readAll(log: EventLog, topic: TopicName): Promise<AnyEvent[]> {
  const events: AnyEvent[] = [];
  const count = topic === 'challenges' ? 1 : partitions;
  for (let partition = 0; partition < count; partition += 1) {
    const records = await log.read({ topic: physicalTopic(topic), partition }, 0, 100_000);
    for (const { value } of records) {
      const decoded = decodeEvent(value);
      if (decoded.kind === 'event') events.push(decoded.event);
    }
  }
  return events;
}

export interface BodyOptions {
  readonly value?: bigint;
  readonly amount?: bigint;
  readonly validBefore?: bigint;
  readonly from?: `0x${string}`;
}

const extra = { name: 'USDC', version: '2' };

/** The body of a /verify or /settle as a resource server sends it. */
export async function bodyV2(wallet: Wallet, options: BodyOptions = {}) {
  const { payload, amount, asset } = await signed(wallet, options);
  const requirements = {
    ...{ scheme: 'exact', network, amount, asset, payTo },
    ...{ maxTimeoutSeconds: 300, extra },
  };
  return {
    x402Version: 2,
    paymentPayload: { x402Version: 2, accepted: requirements, payload },
    paymentRequirements: requirements,
  };
}

export async function bodyV1(wallet: Wallet, options: BodyOptions = {}) {
  const { payload, amount, asset } = await signed(wallet, options);
  return {
    x402Version: 1,
    paymentPayload: { x402Version: 1, scheme: 'exact', network: 'base-sepolia', payload },
    paymentRequirements: {
      ...{ scheme: 'exact', network: 'base-sepolia', maxAmountRequired: amount, asset, payTo },
      ...{ resource: 'https://site.test/x', description: '', mimeType: 'text/html' },
      ...{ maxTimeoutSeconds: 300, extra },
    },
  };
}

async function signed(wallet: Wallet, options: BodyOptions) {
  const { value = 1_000n, amount = value, from = wallet.address } = options;
  const validBefore = options.validBefore ?? BigInt(Math.floor(Date.now() / 1000) + 300);
  const authorization = makeAuthorization({ from, to: payTo, value, validBefore });
  const payload = {
    signature: await signAuthorization(authorization, wallet),
    authorization: {
      ...authorization,
      value: authorization.value.toString(),
      validAfter: authorization.validAfter.toString(),
      validBefore: authorization.validBefore.toString(),
    },
  };
  return {
    payload,
    amount: amount.toString(),
    asset: '0x036CbD53842c5426634e7929541eC2318f3dCF7e',
  };
}

export async function post(
  { address }: { address: string },
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
) {
  const response = await fetch(`${address}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return {
    status: response.status,
    retryAfter: response.headers.get('retry-after'),
    body: (await response.json()) as Record<string, unknown>,
  };
}
