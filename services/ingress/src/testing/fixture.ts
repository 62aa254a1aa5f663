import { randomBytes } from 'node:crypto';
import {
  type Agent,
  createServer,
  type IncomingMessage,
  request,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { domainSeparator, transferAuthorizationDigest } from '@paycrawl/crypto/eip712';
import { hexFromBytes } from '@paycrawl/crypto/hex';
import { addressOfPrivateKey, signDigest } from '@paycrawl/crypto/recover';
import { fail } from '@paycrawl/errors/paycrawl-error';
import type { EventLog } from '@paycrawl/event-log/event-log';
import { createMemoryLog } from '@paycrawl/event-log/memory-log';
import { createLocalWakeups } from '@paycrawl/event-log/wakeups';
import {
  type AnyEvent,
  decodeEvent,
  type EventTopic,
  encodeEvent,
  type RegistryEvent,
} from '@paycrawl/events/event';
import { partitionCount, physicalTopic, topicConfigs } from '@paycrawl/events/topics';
import type { PriceBook } from '@paycrawl/pricing/price-book';
import { createLogger } from '@paycrawl/service-kit/logger';
import { createMetrics } from '@paycrawl/service-kit/metrics';
import type { Recoveries } from '@paycrawl/service-kit/recovery-threads';
import { loadIngressConfig } from '../config.js';
import type { AccountChain } from '../proof/account-check.js';
import { type Ingress, startIngress } from '../service.js';
import { knownTokens } from '../site/token.js';
import { type FakeVerifier, startFakeVerifier } from './fake-verifier.js';

/** An ingress with a real origin, a log in memory and a verifier that follows a script. */

export const gptBot = 'Mozilla/5.0 (compatible; GPTBot/1.2; +https://openai.com/gptbot)';
export const browser = 'Mozilla/5.0 (X11; Linux x86_64) Chrome/141.0.0.0 Safari/537.36';
export const payTo = `0x${'ab'.repeat(20)}`;
const counts = { payer: 2, publisher: 1 };
const privateKey = Buffer.alloc(32, 0x33);
export const payerAddress = addressOfPrivateKey(privateKey);

const book: PriceBook = {
  rules: [
    { id: 'free', path: '/free/**', crawlers: 'everyone', free: true },
    { id: 'closed', path: '/closed/**', crawlers: 'ai-agents', block: true },
    { id: 'pages', path: '/**', crawlers: 'ai-agents', price: 'USD 0.001' },
  ],
};

export interface Fixture {
  readonly ingress: Ingress;
  readonly origin: Origin;
  readonly verifier: FakeVerifier;
  readonly host: string;
  /** Appends of events for which this answers true fail as if the disk were full. */
  refusesAppend: (event: AnyEvent) => boolean;
  /** Appends wait for what this answers, as if the disk were slow. */
  delaysAppend: () => Promise<void> | undefined;
  now: () => number;
  events(topic: EventTopic): Promise<AnyEvent[]>;
  register(event: Pick<RegistryEvent, 'type' | 'data'>): Promise<void>;
  close(): Promise<void>;
}

export interface FixtureOptions {
  readonly env?: Record<string, string>;
  readonly chain?: AccountChain;
  readonly recoveries?: Recoveries;
}

export async function createFixture(options: FixtureOptions = {}): Promise<Fixture> {
  const clock = { now: () => Date.now() };
  const memory = createMemoryLog({ clock: () => clock.now() });
  await memory.createTopics(topicConfigs(counts, 86_400_000));
  const origin = await startOrigin();
  const gate: AppendGate = { refuses: () => false, delays: () => undefined };
  const host = 'site.example';
  const register = (event: Pick<RegistryEvent, 'type' | 'data'>) => appendRegistry(memory, event);
  await register({ type: 'PublisherRegistered', data: publisher(host, origin.url) });
  const data = { publisherId: 'p1', version: 1, book: { ...book } };
  await register({ type: 'PriceBookReplaced', data });
  const wakeups = createLocalWakeups();
  const verifier = await startFakeVerifier({ log: memory, wakeups, partitions: counts.payer });
  const ingress = await startIngress({
    log: gated(memory, gate),
    wakeups,
    chains: new Map(options.chain === undefined ? [] : [['eip155:84532', options.chain]]),
    quoteKeys: [{ id: 'k1', secret: randomBytes(32) }],
    config: loadIngressConfig({ READ_LOG_AFTER_MS: '40', ...options.env }),
    logger: createLogger({ service: 'ingress' }),
    metrics: createMetrics({ service: 'ingress' }),
    clock: () => clock.now(),
    onFatal: () => undefined,
    ...(options.recoveries && { recoveries: options.recoveries }),
  });
  return {
    ingress,
    origin,
    verifier,
    host,
    set refusesAppend(refuses: (event: AnyEvent) => boolean) {
      gate.refuses = refuses;
    },
    set delaysAppend(delays: () => Promise<void> | undefined) {
      gate.delays = delays;
    },
    set now(now: () => number) {
      clock.now = now;
    },
    events: (topic) => readAll(memory, topic),
    register,
    async close() {
      await ingress.close();
      await verifier.close();
      await origin.close();
      await memory.close();
    },
  };
}

function publisher(host: string, origin: string) {
  return {
    publisherId: 'p1',
    name: 'Site',
    hosts: [host, 'two.example:8080'],
    origin,
    network: 'eip155:84532',
    asset: knownTokens[0]?.asset ?? '',
    payTo,
  };
}

async function appendRegistry(
  log: EventLog,
  event: Pick<RegistryEvent, 'type' | 'data'>,
): Promise<void> {
  const whole = { ...event, id: 'r', source: 'test', timeMs: 0 } as AnyEvent;
  const value = encodeEvent(whole);
  const producer = log.producer();
  await producer.append([{ topic: physicalTopic('registry'), partition: 0, key: 'p1', value }]);
  await producer.close();
}

async function readAll(log: EventLog, topic: EventTopic): Promise<AnyEvent[]> {
  const events: AnyEvent[] = [];
  for (let partition = 0; partition < partitionCount(topic, counts); partition++) {
    const records = await log.read({ topic: physicalTopic(topic), partition }, 0, 10_000);
    for (const { value } of records) {
      const decoded = decodeEvent(value);
      if (decoded.kind !== 'event') throw fail('record_unreadable', decoded.detail);
      events.push(decoded.event);
    }
  }
  return events;
}

interface AppendGate {
  refuses(event: AnyEvent): boolean;
  delays(): Promise<void> | undefined;
}

function gated(log: EventLog, gate: AppendGate): EventLog {
  return {
    ...log,
    producer(options) {
      const inner = log.producer(options);
      return {
        discard: () => inner.discard(),
        close: () => inner.close(),
        async append(records) {
          const isRefused = records.some(({ value }) => {
            const decoded = decodeEvent(value);
            return decoded.kind === 'event' && gate.refuses(decoded.event);
          });
          if (isRefused) throw fail('log_unavailable', 'No space left on the device.');
          await gate.delays();
          return inner.append(records);
        },
      };
    },
  };
}

export interface Origin {
  readonly url: string;
  readonly requests: IncomingMessage[];
  respond: (request: IncomingMessage, response: ServerResponse) => void;
  close(): Promise<void>;
}

async function startOrigin(): Promise<Origin> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    origin.respond(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const origin: Origin = {
    url: `http://127.0.0.1:${port}`,
    requests,
    respond: (request, response) => {
      response.setHeader('content-type', 'text/plain');
      response.end(`page ${request.url}`);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return origin;
}

export interface Got {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  /** False when the connection broke before the body was whole. */
  readonly isComplete: boolean;
}

export interface Ask {
  readonly path?: string;
  readonly method?: string;
  readonly userAgent?: string;
  readonly headers?: Record<string, string | string[]>;
  readonly body?: string;
  /** Absent: a connection of its own. */
  readonly agent?: Agent;
}

/** A bare request: Host as a crawler of the site would send it, path exactly as written. */
export function ask(fixture: Fixture, { path = '/page', ...options }: Ask = {}): Promise<Got> {
  const { hostname, port } = new URL(fixture.ingress.address);
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        hostname,
        port,
        path,
        method: options.method ?? 'GET',
        agent: options.agent ?? false,
        headers: {
          host: fixture.host,
          'user-agent': options.userAgent ?? gptBot,
          ...options.headers,
        },
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', () => undefined);
        incoming.on('close', () =>
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            body: Buffer.concat(chunks).toString(),
            isComplete: incoming.complete,
          }),
        );
      },
    );
    outgoing.on('error', reject);
    outgoing.end(options.body);
  });
}

export function offerOf(got: Got) {
  const header = String(got.headers['payment-required'] ?? '');
  return JSON.parse(Buffer.from(header, 'base64').toString());
}

export const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64');

/** What the payer signs for an offered amount; `over` alters the authorization before signing. */
export function payloadOf(amount: string, over: Record<string, string> = {}, key = privateKey) {
  const authorization = {
    from: addressOfPrivateKey(key) as string,
    to: payTo,
    value: amount,
    validAfter: '0',
    validBefore: String(Math.floor(Date.now() / 1000) + 300),
    nonce: `0x${randomBytes(32).toString('hex')}`,
    ...over,
  };
  const [token] = knownTokens;
  if (token === undefined) throw fail('internal', 'no token');
  const digest = transferAuthorizationDigest(
    domainSeparator({ ...token, verifyingContract: token.asset }),
    {
      ...authorization,
      value: BigInt(authorization.value),
      validAfter: BigInt(authorization.validAfter),
      validBefore: BigInt(authorization.validBefore),
    },
  );
  return { signature: hexFromBytes(signDigest(digest, key)) as string, authorization };
}

/** Asks for a page, and makes the PAYMENT-SIGNATURE that pays the offer. */
export async function payFor(fixture: Fixture, options: Ask = {}, key = privateKey) {
  const { accepts, resource, extensions } = offerOf(await ask(fixture, options));
  const [accepted] = accepts;
  const payload = payloadOf(accepted.amount, {}, key);
  const document = { x402Version: 2, accepted, payload, resource, extensions };
  return { document, headers: { 'payment-signature': encode(document) } };
}
