import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadConfig } from './config.js';
import { claimInstance, statelessInstanceId } from './instance.js';
import { checkLogSettings, logSchema } from './log-config.js';
import { secretsOf } from './process-config.js';

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'paycrawl-instance-'));
});
afterEach(() => rmSync(dataDir, { recursive: true }));

describe('instances', () => {
  test('behavior: a second one on the same machine has another name and folder', () => {
    const first = claimInstance({ dataDir, service: 'verifier' });
    const second = claimInstance({ dataDir, service: 'verifier' });
    const other = claimInstance({ dataDir, service: 'metering' });
    expect(first.directory).toBe(join(dataDir, 'verifier', '0'));
    expect(second.directory).toBe(join(dataDir, 'verifier', '1'));
    expect(other.directory).toBe(join(dataDir, 'metering', '0'));
    expect(first.id).not.toBe(second.id);
    for (const { release } of [first, second, other]) release();
  });

  test('behavior: who starts again finds what it left, also after a kill', () => {
    const first = claimInstance({ dataDir, service: 'verifier' });
    first.release();
    const again = claimInstance({ dataDir, service: 'verifier' });
    expect([again.directory, again.id]).toEqual([first.directory, first.id]);
    // A process that is gone, and one whose number another has by now.
    for (const owner of ['999999999 1', `${process.pid} 1`]) {
      writeFileSync(join(again.directory, 'owner.pid'), owner);
      expect(claimInstance({ dataDir, service: 'verifier' }).directory).toBe(first.directory);
    }
  });

  test('error: data_dir_in_use', () => {
    const named = { dataDir, service: 'verifier', instanceId: 'eu-1' };
    const { id, directory, release } = claimInstance(named);
    expect([id, directory]).toEqual(['eu-1', join(dataDir, 'verifier', 'eu-1')]);
    expect(() => claimInstance(named)).toThrowError(/data_dir_in_use/);
    release();
    claimInstance(named).release();
  });

  test('behavior: without a folder the name is that of the process', () => {
    expect(statelessInstanceId('x')).toBe('x');
    expect(statelessInstanceId(undefined)).toMatch(new RegExp(`-${process.pid}$`));
  });
});

describe('settings of a process', () => {
  const check = (env: Record<string, string>) => checkLogSettings(loadConfig(logSchema, env));
  const kafka = { EVENT_LOG: 'kafka', KAFKA_BROKERS: 'broker-1:9092,[::1]:9092' };

  test('behavior: what belongs together may be given together', () => {
    check({});
    check(kafka);
    check({ ...kafka, KAFKA_TLS: 'true', KAFKA_TLS_CA_FILE: '/ca.pem' });
    const login = { KAFKA_SASL_USERNAME: 'u', KAFKA_SASL_PASSWORD_FILE: '/p' };
    check({ ...kafka, KAFKA_SASL_MECHANISM: 'plain', ...login });
  });

  test.each([
    [{ EVENT_LOG: 'kafka' }, 'KAFKA_BROKERS'],
    [{ ...kafka, KAFKA_BROKERS: 'broker' }, 'KAFKA_BROKERS'],
    [{ ...kafka, KAFKA_TLS_CA_FILE: '/ca.pem' }, 'KAFKA_TLS_CA_FILE'],
    [{ ...kafka, KAFKA_SASL_MECHANISM: 'plain' }, 'KAFKA_SASL_USERNAME'],
    [{ ...kafka, KAFKA_SASL_USERNAME: 'u' }, 'KAFKA_SASL_USERNAME'],
    [{ ...kafka, KAFKA_SASL_MECHANISM: 'gssapi' }, 'KAFKA_SASL_MECHANISM'],
  ])('error: config_invalid %j', (env, variable) => {
    expect(() => check(env)).toThrowError(new RegExp(`config_invalid.*${variable}`, 's'));
  });

  test('behavior: mounted secrets are not made up', () => {
    expect(secretsOf({ dataDir: '/d' })).toEqual({ directory: '/d/secrets', mayCreate: true });
    const mounted = secretsOf({ dataDir: '/d', secretsDir: '/s' });
    expect(mounted).toEqual({ directory: '/s', mayCreate: false });
  });
});
