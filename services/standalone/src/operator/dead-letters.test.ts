import { hasCode } from '@paycrawl/errors/paycrawl-error';
import type { EventLog } from '@paycrawl/event-log/event-log';
import { createMemoryLog } from '@paycrawl/event-log/memory-log';
import { type AnyEvent, encodeEvent } from '@paycrawl/events/event';
import {
  physicalTopic,
  type TopicName,
  topicConfigs,
  topicDefinitions,
} from '@paycrawl/events/topics';
import { deadLetterOf } from '@paycrawl/fold/log-sink';
import type { Wallet } from '@paycrawl/testkit/devnet-actions';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { auditLines, cleanVerdict } from '../testing/audit-cli.js';
import { settersAside } from '../testing/dead-letter-consumers.js';
import { type LogView, openLogView } from '../testing/log-view.js';
import { type PlatformProcess, startPlatformProcess } from '../testing/platform-process.js';
import { runOperator } from '../testing/run-command.js';
import { openVisitor } from '../testing/visitor.js';
import { findDeadLetter, listDeadLetters, redrive } from './dead-letters.js';

const redriving = { operator: 'alice', reason: 'test', nowMs: 5 };
const payments = { topic: physicalTopic('payments'), partition: 1 };

async function append(log: EventLog, topic: TopicName, partition: number, value: Buffer) {
  const place = { topic: physicalTopic(topic), partition };
  const [appended] = await log.producer().append([{ ...place, key: 'k', value }]);
  if (appended === undefined) return expect.unreachable();
  return appended.offset;
}

/** As a consumer that could not read it would set it aside. */
async function setAside(log: EventLog, consumer: string, offset: number, value: Buffer) {
  const record = { ...payments, offset, key: 'k', value, timestampMs: 1 };
  const { type, data } = deadLetterOf(consumer)(record, 'record_unreadable', 'unknown type');
  const event = { type, id: `${consumer}/${offset}`, source: consumer, timeMs: 4, data };
  await append(log, 'dead-letters', 0, encodeEvent(event as AnyEvent));
}

const event = { source: 'ingress', timeMs: 1, data: {} };
const readable = encodeEvent({ ...event, type: 'TimePassed', id: 't' } as AnyEvent);
const caused = encodeEvent({
  ...{ ...event, type: 'TimePassed', id: 'c', cause: ['decisions.1', 0, 7, 0] },
} as AnyEvent);

describe('dead letters', () => {
  async function given(value: Buffer) {
    const log = createMemoryLog({ clock: () => 1 });
    await log.createTopics(topicConfigs({ payer: 2, publisher: 2 }, 60_000));
    const offset = await append(log, 'payments', 1, value);
    await setAside(log, 'verifier', offset, value);
    await setAside(log, 'analytics', offset, value);
    await setAside(log, 'analytics', offset, value);
    return { log, position: `payments.1/1/${offset}` };
  }

  const codeOf = (work: Promise<unknown>) =>
    work.then(
      () => undefined,
      (error) => error.code,
    );

  test('behavior: one for each record, with its bytes, whoever set it aside', async () => {
    const { log, position } = await given(Buffer.from('torn'));
    const [letter, ...others] = await listDeadLetters(log);
    expect(others).toEqual([]);
    expect(letter).toMatchObject({
      consumers: ['analytics', 'verifier'],
      code: 'record_unreadable',
    });
    expect((await findDeadLetter(log, position)).value.toString()).toBe('torn');
    expect(await listDeadLetters(log, { topic: 'decisions' })).toEqual([]);
    expect(await listDeadLetters(log, { topic: 'payments', sinceMs: 4 })).toHaveLength(1);
    expect(await listDeadLetters(log, { sinceMs: 5 })).toEqual([]);
    expect(await listDeadLetters(log, { code: 'internal' })).toEqual([]);
  });

  test('behavior: the very bytes are appended once more, and that is written down', async () => {
    const { log, position } = await given(readable);
    const { newOffset } = await redrive(log, position, redriving);
    const [again] = await log.read(payments, newOffset, 1);
    expect(again?.value.equals(readable)).toBe(true);
    expect((await findDeadLetter(log, position)).newOffset).toBe(newOffset);
    expect(await codeOf(redrive(log, position, redriving))).toBe('dead_letter_redriven');
    expect((await log.offsets(payments)).next).toBe(newOffset + 1);
  });

  test('behavior: after a crash between the two it is only written down', async () => {
    const { log, position } = await given(readable);
    const copy = await append(log, 'payments', 1, readable);
    expect((await redrive(log, position, redriving)).newOffset).toBe(copy);
    expect((await log.offsets(payments)).next).toBe(copy + 1);
  });

  test.each([
    ['dead_letter_unreadable', Buffer.from('torn')],
    ['dead_letter_unreadable', Buffer.from(readable.toString().replace('.v1', '.v999'))],
    ['dead_letter_caused', caused],
  ] as const)('error: %s', async (code, value) => {
    const { log, position } = await given(value);
    const before = await log.offsets(payments);
    expect(await codeOf(redrive(log, position, redriving))).toBe(code);
    expect(await log.offsets(payments)).toEqual(before);
  });

  test('error: dead_letter_unknown', async () => {
    const { log } = await given(readable);
    const error = await findDeadLetter(log, 'payments.1/0/99').catch((reason: unknown) => reason);
    expect(hasCode(error, 'dead_letter_unknown')).toBe(true);
  });
});

describe('poison on a running platform', () => {
  let platform: PlatformProcess;
  let view: LogView;
  const poison = Buffer.from('{"type":"ProofReceived.v1",');
  const poisoned: string[] = [];
  const path = '/articles/serverless.html';

  beforeAll(async () => {
    platform = await startPlatformProcess();
    view = openLogView(platform.dataDir);
    for (const topic of Object.keys(topicDefinitions) as TopicName[]) {
      const offset = await append(view.log, topic, 0, poison);
      poisoned.push(`${physicalTopic(topic)}/0/${offset}`);
    }
    // Snapshots are read by new owners only.
    await platform.kill();
    platform = await startPlatformProcess({ dataDir: platform.dataDir });
  }, 120_000);

  afterAll(async () => {
    await view?.close();
    await platform?.remove();
  });

  test.each(Object.entries(settersAside))('behavior: %s', async (topic, expected) => {
    const position = poisoned.find((one) => one.startsWith(`${topic}.`)) ?? '';
    const letterOf = () => findDeadLetter(view.log, position).catch(() => undefined);
    await expect
      .poll(async () => (await letterOf())?.consumers, { timeout: 30_000, interval: 100 })
      .toEqual(expected);
    expect((await letterOf())?.value.equals(poison)).toBe(true);
  });

  test('behavior: every partition goes on, and the audit finds nothing amiss', async () => {
    const visitor = openVisitor(platform.run.ingress);
    for (const wallet of platform.run.wallets) {
      expect((await visitor.pay(wallet as Wallet, { path })).status).toBe(200);
    }
    visitor.close();
    const settled = async () =>
      (await view.events('decisions')).filter(({ type }) => type === 'ChargeSettled').length;
    await expect
      .poll(settled, { timeout: 60_000, interval: 200 })
      .toBe(platform.run.wallets.length);
    await expect
      .poll(async () => (await auditLines(platform.dataDir)).at(-1), { timeout: 30_000 })
      .toBe(cleanVerdict);
  }, 120_000);

  test('behavior: npm run dead-letters lists, shows and refuses', async () => {
    const env = { DATA_DIR: platform.dataDir };
    const listed = await runOperator('dead-letters', ['list', '--topic', 'payments'], env);
    expect(listed).toMatchObject({ code: 0, stderr: '' });
    const [line = ''] = listed.stdout.split('\n');
    const [position = ''] = line.split('  ');
    expect(line).toMatch(
      /^payments\.1\/0\/\d+ {2}20.*Z {2}record_unreadable {2}analytics,verifier$/,
    );
    const shown = await runOperator('dead-letters', ['show', position], env);
    expect(shown.stdout).toContain('7b 22 74 79 70 65 22 3a');
    expect(shown.stdout).toContain('now        unreadable: not JSON');
    const refused = await runOperator('dead-letters', ['re-drive', position], env);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/^dead_letter_unreadable: /);
    const all = ['re-drive', '--all', '--code', 'record_unreadable'];
    expect((await runOperator('dead-letters', all, env)).code).toBe(1);
    expect((await runOperator('dead-letters', ['re-drive', '--all'], env)).code).toBe(2);
  });
});
