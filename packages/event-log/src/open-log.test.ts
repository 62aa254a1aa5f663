import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fail } from '@paycrawl/errors/paycrawl-error';
import { topicConfigs } from '@paycrawl/events/topics';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { EventLog } from './event-log.js';
import { createLogGate } from './log-ready.js';
import { createMemoryLog } from './memory-log.js';
import { kafkaOptions, logSettingsOf } from './open-log.js';
import { createRenewingProducer } from './renewing-producer.js';

const kafka = { EVENT_LOG: 'kafka', KAFKA_BROKERS: 'a:1,b:2' };

function file(text: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'paycrawl-open-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, 'file'), text);
  return join(directory, 'file');
}

describe('the log of the environment', () => {
  test('behavior: embedded unless something else is asked for', () => {
    expect(logSettingsOf({})).toEqual({ kind: 'lmdb', brokers: [], isTls: false });
    expect(logSettingsOf({ EVENT_LOG: '', KAFKA_CLIENT_ID: '' }).kind).toBe('lmdb');
  });

  test('behavior: brokers, names, TLS and a login whose password stands in a file', () => {
    const settings = logSettingsOf({
      ...{ ...kafka, KAFKA_TLS: 'true', KAFKA_TLS_CA_FILE: file('PEM') },
      ...{ KAFKA_SASL_MECHANISM: 'scram-sha-512', KAFKA_SASL_USERNAME: 'me' },
      KAFKA_SASL_PASSWORD_FILE: file('hush\n'),
    });
    expect(kafkaOptions(settings, 'paycrawl-test')).toEqual({
      ...{ brokers: ['a:1', 'b:2'], clientId: 'paycrawl-test', tls: { ca: 'PEM' } },
      sasl: { mechanism: 'scram-sha-512', username: 'me', password: 'hush' },
    });
    const named = logSettingsOf({ ...kafka, KAFKA_CLIENT_ID: 'mine' });
    expect(kafkaOptions(named, 'other')).toEqual({ brokers: ['a:1', 'b:2'], clientId: 'mine' });
  });

  test('error: config_invalid, secret_unreadable', () => {
    expect(() => logSettingsOf({ EVENT_LOG: 'files' })).toThrowError(/config_invalid/);
    const none = logSettingsOf({ EVENT_LOG: 'kafka' });
    expect(() => kafkaOptions(none, 'x')).toThrowError(/config_invalid/);
    const lost = logSettingsOf({ ...kafka, KAFKA_TLS: '1', KAFKA_TLS_CA_FILE: '/nowhere' });
    expect(() => kafkaOptions(lost, 'x')).toThrowError(/secret_unreadable/);
  });
});

describe('waiting for the log', () => {
  const counts = { payer: 2, publisher: 1 };

  test('behavior: waits for every topic, and says what it waits for', async () => {
    const log = createMemoryLog({ clock: () => 0 });
    const gate = createLogGate(log);
    const reasons: string[] = [];
    const options = {
      signal: new AbortController().signal,
      onSuperseded: (error: unknown) => expect.unreachable(String(error)),
      onWaiting: (reason: string) => {
        reasons.push(reason);
        // Whoever makes the topics does it now.
        void log.createTopics(topicConfigs(counts, 1_000));
      },
    };
    await expect(gate.check()).rejects.toThrowError(/log_unavailable/);
    await gate.pass(options);
    expect(reasons).toHaveLength(1);
    expect(reasons[0]).toContain('registry');
    await gate.check();
  });

  test('error: log_closed when nobody waits any more', async () => {
    const gate = createLogGate(createMemoryLog({ clock: () => 0 }));
    const closing = new AbortController();
    const waiting = gate.pass({
      signal: closing.signal,
      onWaiting: () => closing.abort(),
      onSuperseded: () => undefined,
    });
    await expect(waiting).rejects.toThrowError(/log_closed/);
  });
});

describe('a producer that is renewed', () => {
  test('behavior: one failure does not end it', async () => {
    const log = createMemoryLog({ clock: () => 0 });
    await log.createTopics([{ name: 't', partitions: 1, retentionMs: 'forever' }]);
    let made = 0;
    const gone = fail('log_unavailable', 'not acknowledged');
    const failing: Pick<EventLog, 'producer'> = {
      producer: () => {
        made += 1;
        const producer = log.producer();
        return made > 1 ? producer : { ...producer, append: () => Promise.reject(gone) };
      },
    };
    const producer = createRenewingProducer(failing as EventLog);
    const record = { topic: 't', partition: 0, key: '', value: Buffer.from('x') };
    await expect(producer.append([record])).rejects.toBe(gone);
    expect(await producer.append([record])).toMatchObject([{ offset: 0 }]);
    await producer.append([record]);
    expect(made).toBe(2);
    await producer.close();
  });
});
