import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startKafka, wipeKafka } from '@paycrawl/testkit/kafka-broker';
import { expect, onTestFinished, test } from 'vitest';
import { spawnProcess } from './own-process.js';

// Guarantee: a process that the brokers refuse says why in its first lines, stays up
// until somebody corrects it, ends when asked, and never shows the password.

const main = fileURLToPath(new URL('../../../metering/dist/main.js', import.meta.url));
const eventually = { timeout: 30_000, interval: 100 };

interface Line {
  readonly level: string;
  readonly msg: string;
  readonly reason?: string;
}

test('error: log_login_refused, log_tls_failed: of a service process', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'paycrawl-refused-'));
  onTestFinished(async () => {
    await wipeKafka(join(directory, 'kafka'));
    await rm(directory, { recursive: true, force: true });
  });
  const users = { plain: { pat: 'the-right-one' }, scram: {} };
  const { secured } = await startKafka({
    ...{ directory: join(directory, 'kafka'), nodes: 1, securedFor: users },
  });
  const passwordFile = join(directory, 'password');
  await writeFile(passwordFile, 'hunter-2-of-nobody');
  const login = {
    ...{ EVENT_LOG: 'kafka', KAFKA_BROKERS: secured?.brokers.join(',') ?? '', KAFKA_TLS: 'true' },
    ...{ KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_USERNAME: 'pat' },
    KAFKA_SASL_PASSWORD_FILE: passwordFile,
  };
  const trusting = { ...login, KAFKA_TLS_CA_FILE: secured?.caFile ?? '' };
  const [refused, distrusting] = await Promise.all([
    start(directory, 'refused', trusting),
    start(directory, 'distrusting', login),
  ]);
  const reason = await refused.reason();
  expect(reason).toContain('log_login_refused: A broker refused the login by plain.');
  expect(reason).toContain('KAFKA_SASL_PASSWORD_FILE');
  expect(await distrusting.reason()).toContain('log_tls_failed: The certificate of a broker');
  for (const one of [refused, distrusting]) {
    expect(await one.stop()).toEqual({ code: 0, signal: null });
    // Asked twice a second, told once.
    expect((await one.waits()).length).toBe(1);
    expect(await readFile(one.logFile, 'utf8')).not.toContain('hunter-2-of-nobody');
  }
});

async function start(directory: string, name: string, environment: Record<string, string>) {
  const logFile = join(directory, `${name}.log`);
  const { stop } = await spawnProcess({
    ...{ name, command: ['node', main], logFile, stopGraceMs: 10_000, isDetached: false },
    environment: {
      ...{ ...environment, DATA_DIR: join(directory, name) },
      ...{ METERING_HOST: '127.0.0.1', METERING_PORT: '0', LOG_LEVEL: 'info' },
    },
  });
  onTestFinished(async () => void (await stop()));
  const waits = async (): Promise<Line[]> => {
    const whole = (await readFile(logFile, 'utf8')).split('\n').filter((text) => text !== '');
    const lines = whole.map((text) => JSON.parse(text) as Line);
    return lines.filter(({ msg }) => msg === 'waiting for the event log');
  };
  const reason = async (): Promise<string> => {
    await expect.poll(waits, eventually).toHaveLength(1);
    const [line] = await waits();
    expect(line?.level).toBe('warn');
    return line?.reason ?? '';
  };
  return { logFile, stop, waits, reason };
}
