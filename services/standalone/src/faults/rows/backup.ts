import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EventLog } from '@paycrawl/event-log/event-log';
import { openKafkaLog } from '@paycrawl/event-log/kafka-log';
import { encodeEvent } from '@paycrawl/events/event';
import type { Wallet } from '@paycrawl/testkit/devnet-actions';
import { startKafka, wipeKafka } from '@paycrawl/testkit/kafka-broker';
import { expect } from 'vitest';
import { payWithV2 } from '../../demo/paying-fetch.js';
import { createFleet, type Fleet } from '../../processes/fleet.js';
import { writeRunFile } from '../../run-file.js';
import { auditLines } from '../../testing/audit-cli.js';
import { readEvents } from '../../testing/log-view.js';
import { runOperator } from '../../testing/run-command.js';
import { crawlerAgent, openVisitor, type Page, refusalOf } from '../../testing/visitor.js';
import { seconds } from '../books.js';
import { drawn, type FaultContext, type FaultFigures, type FaultRow } from '../fault.js';
import { receiptIn } from '../load.js';
import type { FaultPlatform } from '../platform.js';

export const restoredElsewhere: FaultRow = {
  name: 'backup, restore into empty machines',
  mustHold: 'audit clean; nothing decided twice',
  cases: () => [
    {
      name: 'new broker, empty folders and warehouse, the same chain',
      timeoutMs: 300_000,
      platform: { instances: {} },
      run: restoredOn,
    },
  ],
};

const services = ['verifier', 'ingress', 'metering', 'settlement', 'analytics'] as const;
/** Enough for records of every kind to be among what is copied. */
const pagesBefore = 15;
const path = '/articles/kept.html';

async function restoredOn(context: FaultContext): Promise<FaultFigures> {
  const { platform, load, limitMs } = context;
  const wallet = drawn(platform.people.crawlers, context);
  const used = await bought(context, wallet);
  await load.morePages(pagesBefore, limitMs(60_000));
  const directory = await mkdtemp(join(tmpdir(), 'paycrawl-restored-'));
  try {
    const folder = join(directory, 'backup');
    const beganMs = performance.now();
    const saved = await runOperator('backup', [folder], platform.environment);
    expect(saved).toMatchObject({ code: 0, stderr: '' });
    const savedMs = performance.now() - beganMs;
    await load.stop();
    await Promise.all(platform.fleet.members().map((one) => one.kill()));
    const elsewhere = await openElsewhere(platform, directory, folder);
    try {
      const verdict = await goesOnElsewhere(context, elsewhere, used);
      const [what = ''] = saved.stdout.split('\n');
      return {
        verdict,
        note:
          `${what.replace(/, .*/, '')} saved in ${seconds(savedMs)} under load, ` +
          `restored in ${seconds(elsewhere.restoredMs)}, ready ${seconds(elsewhere.readyMs)} later`,
      };
    } finally {
      await elsewhere.close();
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

interface Used {
  readonly wallet: Wallet;
  readonly proof: string;
  readonly host: string;
  readonly chargeId: string;
}

/** A page with its charge, before the backup. */
async function bought({ platform, limitMs }: FaultContext, wallet: Wallet): Promise<Used> {
  const { host } = new URL(platform.till);
  const visitor = openVisitor(platform.till);
  const proof = await visitor.proof(wallet, { path });
  const page = await visitor.present(proof, { path });
  visitor.close();
  expect(page.status).toBe(200);
  const chargeId = chargeOf(page);
  const isCharged = () => platform.watch.charged.has(chargeId);
  await expect.poll(isCharged, { timeout: limitMs(20_000), interval: 50 }).toBe(true);
  return { wallet, proof, host, chargeId };
}

function chargeOf({ headers }: Page): string {
  const receipt = headers['payment-response'];
  return (typeof receipt === 'string' ? receiptIn(receipt) : undefined) ?? '';
}

interface Elsewhere {
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly log: EventLog;
  readonly fleet: Fleet;
  readonly restoredMs: number;
  readonly readyMs: number;
  close(): Promise<void>;
}

/** Other machines: a broker, folders and a warehouse that know nothing, and the same secrets. */
async function openElsewhere(
  platform: FaultPlatform,
  directory: string,
  folder: string,
): Promise<Elsewhere> {
  const broker = join(directory, 'kafka');
  const { brokers } = await startKafka({ directory: broker, nodes: 1 });
  // The engine runs in the process of analytics here, in a new folder.
  const addresses = { KAFKA_BROKERS: brokers.join(','), CLICKHOUSE_URL: '' };
  const environment = { ...platform.environment, ...addresses };
  const fleet = createFleet({
    ...{ directory: join(directory, 'members'), environment },
    secretsDirectory: join(platform.directory, 'secrets'),
  });
  const log = openKafkaLog({ brokers, clientId: 'paycrawl-restored' });
  const close = async (): Promise<void> => {
    await fleet.killAll();
    await log.close();
    await wipeKafka(broker);
  };
  try {
    const beganMs = performance.now();
    const dataDir = { DATA_DIR: join(directory, 'data') };
    const ran = await runOperator('restore', [folder], { ...environment, ...dataDir });
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    const restoredMs = performance.now() - beganMs;
    await Promise.all(services.map((service) => fleet.start(service, `${service}-1`)));
    await Promise.all(fleet.members().map((one) => one.ready()));
    const readyMs = performance.now() - beganMs - restoredMs;
    return { directory, environment, log, fleet, restoredMs, readyMs, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Resolves to what the audit says in the end. */
async function goesOnElsewhere(
  { platform, limitMs }: FaultContext,
  elsewhere: Elsewhere,
  used: Used,
): Promise<string> {
  const { fleet, log, directory, environment } = elsewhere;
  const originOf = (instance: string) =>
    fleet.members().find((one) => one.instance === instance)?.origin ?? '';
  const till = originOf('ingress-1');
  const [api, facilitator] = [originOf('analytics-1'), originOf('verifier-1')];
  const run = { ...(await platform.run()), ingress: till, facilitator, api };
  await writeRunFile(join(directory, 'run.json'), run);
  await isRepeat(till, used);
  const paid = platform.people.crawlers.map(async ({ privateKey }, i) => {
    const { fetch } = payWithV2({ privateKey, rpcUrl: platform.devnet.rpcUrl, budget: 1_000_000n });
    const headers = { 'user-agent': crawlerAgent };
    return (await fetch(`${till}/articles/restored-${i}.html`, { headers })).status;
  });
  expect(new Set(await Promise.all(paid))).toEqual(new Set([200]));
  const open = async () => {
    const events = await readEvents(log, 'decisions');
    const ids = (type: 'ChargePosted' | 'ChargeSettled') =>
      new Set(events.flatMap((one) => (one.type === type ? one.data.chargeId : [])));
    const settled = ids('ChargeSettled');
    return [...ids('ChargePosted')].filter((id) => !settled.has(id)).length;
  };
  await expect.poll(open, { timeout: limitMs(60_000), interval: 250 }).toBe(0);
  await nothingDecidedTwice(log, used);
  const said = await auditLines(directory, environment);
  const verdict = said.at(-1) ?? 'no verdict';
  if (verdict !== 'loss 0, duplicates 0') process.stdout.write(`${said.join('\n')}\n`);
  return verdict;
}

/**
 * An owner that begins at a snapshot writes again what stands in the log already (ADR 0001), so an
 * output may stand there twice, but then it is the same one.
 */
async function nothingDecidedTwice(log: EventLog, { chargeId }: Used): Promise<void> {
  const decided = new Map<string, string>();
  const posted = new Set<string>();
  for (const event of await readEvents(log, 'decisions')) {
    const text = encodeEvent(event).toString();
    expect(decided.get(event.id) ?? text).toBe(text);
    decided.set(event.id, text);
    if (event.type === 'ChargePosted' && event.data.chargeId === chargeId) posted.add(event.id);
  }
  expect(posted.size).toBe(1);
}

/** A proof of before the backup is known: the same page again, and no other one for it. */
async function isRepeat(till: string, { proof, host, chargeId }: Used): Promise<void> {
  const visitor = openVisitor(till);
  const again = await visitor.present(proof, { path, host });
  expect([again.status, chargeOf(again)]).toEqual([200, chargeId]);
  const other = await visitor.present(proof, { path: '/articles/other.html', host });
  expect(other.status).toBe(402);
  expect(refusalOf(other)).not.toBe('');
  visitor.close();
}
