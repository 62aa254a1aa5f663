import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { catalogue, type ErrorCode } from '@paycrawl/errors/catalogue';
import { PaycrawlError } from '@paycrawl/errors/paycrawl-error';
import type { AnyEvent } from '@paycrawl/events/event';
import { topicConfigs } from '@paycrawl/events/topics';
import { type KafkaCluster, startKafka, wipeKafka } from '@paycrawl/testkit/kafka-broker';
import { makeAuthority } from '@paycrawl/testkit/kafka-security';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { collector } from '../collector.given.js';
import type { EventLog } from '../event-log.js';
import { openKafkaLog } from '../kafka-log.js';
import { createLogGate } from '../log-ready.js';
import {
  kafkaOptions,
  type LogEnvironment,
  logSettingsOf,
  openLogOf,
  openWakeups,
} from '../open-log.js';
import { newTopic, range, readAll, record } from './kafka-cluster.given.js';

const password = 'the-right-one-8f2c';
const wrongPassword = 'not-the-right-one-51d0';
const mechanisms = ['plain', 'scram-sha-256', 'scram-sha-512'];

let directory: string;
let kafka: KafkaCluster;
/** What a service finds in its environment. */
let env: LogEnvironment;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'paycrawl-secured-'));
  const users = { plain: { pat: password }, scram: { pat: password } };
  kafka = await startKafka({ directory: join(directory, 'kafka'), nodes: 1, securedFor: users });
  // As an editor leaves it.
  await writeFile(join(directory, 'password'), `${password}\n`);
  await writeFile(join(directory, 'wrong'), wrongPassword);
  env = {
    ...{ EVENT_LOG: 'kafka', KAFKA_BROKERS: kafka.secured?.brokers.join(','), KAFKA_TLS: 'true' },
    ...{ KAFKA_TLS_CA_FILE: kafka.secured?.caFile, KAFKA_SASL_MECHANISM: 'scram-sha-512' },
    KAFKA_SASL_USERNAME: 'pat',
    KAFKA_SASL_PASSWORD_FILE: join(directory, 'password'),
  };
});

afterAll(async () => {
  await wipeKafka(join(directory, 'kafka'));
  await rm(directory, { recursive: true, force: true });
});

const place = { directory: '/nowhere', clientId: 'paycrawl-secured' };

function open(changes: LogEnvironment = {}): EventLog {
  const log = openLogOf({ ...env, ...changes }, place);
  onTestFinished(() => log.close());
  return log;
}

async function failureOf(doing: Promise<unknown>): Promise<PaycrawlError> {
  const error = await doing.then(
    () => expect.unreachable('nothing was refused'),
    (cause: unknown) => cause,
  );
  if (!(error instanceof PaycrawlError)) return expect.unreachable(inspect(error));
  // Everything that a log line could show of it.
  expect(inspect(error, { depth: 20, showHidden: true })).not.toMatch(/right-one/);
  return error;
}

describe('behind TLS and a login', () => {
  test.each(mechanisms)('behavior: %s: written, read, followed by a group', async (mechanism) => {
    const log = open({ KAFKA_SASL_MECHANISM: mechanism });
    const topic = await newTopic(log, 2);
    const producer = log.producer();
    const keys = range(20).map(String);
    await producer.append(keys.map((key) => record(topic, Number.parseInt(key, 10) % 2, key)));
    expect(await readAll(log, { topic, partition: 0 })).toHaveLength(10);
    const seen = collector<string>();
    const member = await log.joinGroup({
      ...{ groupId: `${topic}-group`, topics: [topic], onRevoke: async () => undefined },
      onAssign: async (_, committed) => committed ?? 0,
      onRecords: async (_, records) => {
        for (const { key } of records) seen.add(key);
      },
      onError: (error) => expect.unreachable(inspect(error)),
    });
    await seen.until((all) => all.length === keys.length);
    await member.commit({ topic, partition: 0 }, 10);
    expect(await log.committed(`${topic}-group`, { topic, partition: 0 })).toBe(10);
    await member.close();
  });

  test('behavior: wake-ups are heard', async () => {
    const settings = logSettingsOf(env);
    const [speaker, listener] = [openWakeups(settings, place), openWakeups(settings, place)];
    onTestFinished(async () => void (await Promise.all([speaker.close(), listener.close()])));
    const heard: AnyEvent[] = [];
    listener.subscribe('ingress-tls', (events) => void heard.push(...events));
    await expect.poll(() => troubleOf(listener), { timeout: 15_000 }).toBeUndefined();
    const news: AnyEvent = { type: 'TimePassed', id: 'n', source: 't', timeMs: 1, data: {} };
    speaker.publish('ingress-tls', [news]);
    await expect.poll(() => heard.map(({ id }) => id), { timeout: 10_000 }).toEqual(['n']);
  });
});

function troubleOf(wakeups: { assertListening(): void }): unknown {
  try {
    return wakeups.assertListening();
  } catch (error) {
    return error;
  }
}

/** What is wrong, what the error is called, and what it says of the cause. */
const refusals: readonly [string, () => Promise<LogEnvironment>, ErrorCode, RegExp][] = [
  ...mechanisms.map((mechanism): (typeof refusals)[number] => [
    `${mechanism} with a wrong password`,
    async () => ({
      KAFKA_SASL_MECHANISM: mechanism,
      KAFKA_SASL_PASSWORD_FILE: join(directory, 'wrong'),
    }),
    'log_login_refused',
    new RegExp(`login by ${mechanism}`),
  ]),
  [
    'a user that nobody made',
    async () => ({ KAFKA_SASL_USERNAME: 'nobody' }),
    'log_login_refused',
    /login by scram-sha-512/,
  ],
  [
    'another authority',
    async () => ({ KAFKA_TLS_CA_FILE: (await makeAuthority(join(directory, 'other'))).caFile }),
    'log_tls_failed',
    /not trusted \([A-Z_]+\)/,
  ],
  [
    'no authority but those of Node',
    async () => ({ KAFKA_TLS_CA_FILE: undefined }),
    'log_tls_failed',
    /not trusted \([A-Z_]+\)/,
  ],
  [
    'no TLS where the port wants it',
    async () => ({ KAFKA_TLS: undefined, KAFKA_TLS_CA_FILE: undefined }),
    'log_tls_failed',
    /wants TLS/,
  ],
];

describe('what the brokers refuse', () => {
  test.each(refusals)('error: %s: told at once', async (_, changes, code, says) => {
    const log = open(await changes());
    const begunMs = performance.now();
    const error = await failureOf(log.topics());
    expect(error.code).toBe(code);
    expect(error.detail).toMatch(says);
    expect(error.context.broker).toBe(kafka.secured?.brokers[0]);
    // A fault that may pass is tried again for 10 s.
    expect(performance.now() - begunMs).toBeLessThan(8_000);
    const producer = log.producer();
    expect((await failureOf(producer.append([record('t', 0, 'k')]))).code).toBe(code);
  });

  test('error: wake-ups name the refusal', async () => {
    const settings = logSettingsOf({ ...env, KAFKA_SASL_PASSWORD_FILE: join(directory, 'wrong') });
    const wakeups = openWakeups(settings, place);
    onTestFinished(() => wakeups.close());
    wakeups.subscribe('ingress-refused', () => undefined);
    await expect
      .poll(() => troubleOf(wakeups), { timeout: 15_000 })
      .toMatchObject({ code: 'log_login_refused' });
  });

  test.each([
    ['TLS on a port without it', async () => ({ KAFKA_BROKERS: kafka.brokers[0] }), /without TLS/],
    [
      'no login where one is wanted',
      async () => ({
        ...{ KAFKA_SASL_MECHANISM: undefined, KAFKA_SASL_USERNAME: undefined },
        KAFKA_SASL_PASSWORD_FILE: undefined,
      }),
      /wants a login/,
    ],
  ])('error: %s: tried again, as after a dead broker, with a hint', async (_, changes, says) => {
    const settings = logSettingsOf({ ...env, ...(await changes()) });
    const log = openKafkaLog({ ...kafkaOptions(settings, 'impatient'), questionTimeoutMs: 1_000 });
    onTestFinished(() => log.close());
    const error = await failureOf(log.topics());
    expect(error.code).toBe('log_unavailable');
    expect(error.detail).toMatch(says);
  });
});

test('behavior: a service that is refused waits, and says why and what to do', async () => {
  const log = open({ KAFKA_SASL_USERNAME: 'late' });
  const gate = createLogGate(log);
  const reasons: string[] = [];
  const stopping = new AbortController();
  const passing = gate.pass({
    signal: stopping.signal,
    onSuperseded: (error) => expect.unreachable(String(error)),
    onWaiting: (reason) => {
      reasons.push(reason);
      stopping.abort();
    },
  });
  await expect(passing).rejects.toThrowError(/log_closed/);
  expect(reasons).toHaveLength(1);
  expect(reasons[0]).toContain('log_login_refused: A broker refused the login');
  expect(reasons[0]).toContain(catalogue.log_login_refused.next);
  await expect(gate.check()).rejects.toThrowError(/log_login_refused/);
  const ready = open();
  await ready.createTopics(topicConfigs({ payer: 1, publisher: 1 }, 1_000));
  await createLogGate(ready).pass({
    signal: AbortSignal.timeout(30_000),
    onSuperseded: (error) => expect.unreachable(String(error)),
    onWaiting: (reason) => reasons.push(reason),
  });
});
