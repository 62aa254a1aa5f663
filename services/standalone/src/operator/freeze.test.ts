import { partitionForKey } from '@paycrawl/event-log/partitioner';
import type { EventOfType } from '@paycrawl/events/event';
import { payerId } from '@paycrawl/events/ids';
import type { Wallet } from '@paycrawl/testkit/devnet-actions';
import { encodePaymentSignatureHeader } from '@x402/core/http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { devnetNetwork, type LogView, openLogView } from '../testing/log-view.js';
import { type PlatformProcess, startPlatformProcess } from '../testing/platform-process.js';
import { openReadApi, sumOf } from '../testing/read-api.js';
import { type Ran, runOperator } from '../testing/run-command.js';
import {
  offerOf,
  openVisitor,
  type Page,
  refusalOf,
  signed,
  type Visitor,
} from '../testing/visitor.js';

// The three freezes on a running platform, under load.

let platform: PlatformProcess;
let visitor: Visitor;
let view: LogView;

const path = '/articles/serverless.html';
const eventually = { timeout: 45_000, interval: 100 };
const effectMsMax = 1_000;

beforeAll(async () => {
  // Enough partitions for crawlers in lanes apart.
  const environment = { SETTLEMENT_BATCH_AGE_MAX_MS: '200', PARTITIONS: '4' };
  platform = await startPlatformProcess({ environment });
  visitor = openVisitor(platform.run.ingress);
  view = openLogView(platform.dataDir);
}, 120_000);

afterAll(async () => {
  visitor?.close();
  await view?.close();
  await platform?.remove();
});

const wallet = (i: number) => platform.run.wallets[i] as Wallet;

async function told(verb: 'freeze' | 'unfreeze', ...argv: string[]): Promise<Ran> {
  return runOperator('freeze', [verb, ...argv], { DATA_DIR: platform.dataDir });
}

/** Pays, unless nothing is offered. */
async function visit(payer: Wallet): Promise<Page> {
  const asked = await visitor.visit({ path });
  if (asked.status !== 402) return asked;
  const payload = await signed(payer, offerOf(asked));
  return visitor.present(encodePaymentSignatureHeader(payload), { path });
}

/** Pays again and again, and remembers when it was served and why it was not. */
function load(payers: readonly Wallet[]) {
  let isOn = true;
  const served: number[] = [];
  const refused: string[] = [];
  const loops = payers.map(async (payer) => {
    while (isOn) {
      const page = await visit(payer);
      if (page.status === 200) served.push(Date.now());
      else refused.push(refusalOf(page));
    }
  });
  return {
    served,
    refused,
    end: async () => {
      isOn = false;
      await Promise.allSettled(loops);
    },
  };
}

async function everythingSettled(): Promise<void> {
  const outstanding = async () => {
    const { charged, settled } = await openReadApi(platform.run).balance();
    return sumOf(charged) - sumOf(settled);
  };
  await expect.poll(outstanding, eventually).toBe(0n);
}

test('behavior: a frozen payer is refused within a second, what was accepted settles', async () => {
  const loads = load([wallet(0), wallet(0)]);
  const others = load([wallet(1)]);
  await expect.poll(() => loads.served.length, eventually).toBeGreaterThan(3);
  const ran = await told('freeze', 'payer', wallet(0).address, '--reason', 'test');
  const frozenMs = Date.now();
  expect(ran).toMatchObject({ code: 0, stderr: '' });
  const payer = payerId(devnetNetwork, wallet(0).address.toLowerCase());
  expect(ran.stdout).toMatch(`payer ${payer} is frozen from payments.1[`);
  await expect.poll(() => loads.refused, eventually).toContain('payer_frozen');
  const othersServed = others.served.length;
  await expect.poll(() => others.served.length, eventually).toBeGreaterThan(othersServed);
  await Promise.all([loads.end(), others.end()]);
  expect(Math.max(...loads.served) - frozenMs).toBeLessThan(effectMsMax);
  await everythingSettled();
  expect(await told('unfreeze', 'payer', payer)).toMatchObject({ code: 0 });
  await expect
    .poll(async () => (await visitor.pay(wallet(0), { path })).status, eventually)
    .toBe(200);
}, 120_000);

test('behavior: nothing is sold for a frozen publisher, by the ingress or the verifier', async () => {
  const loads = load([wallet(1), wallet(2)]);
  await expect.poll(() => loads.served.length, eventually).toBeGreaterThan(3);
  expect(await told('freeze', 'publisher', 'demo')).toMatchObject({ code: 0, stderr: '' });
  const frozenMs = Date.now();
  await expect.poll(() => loads.refused, eventually).toContain('publisher_frozen');
  await loads.end();
  expect(Math.max(...loads.served) - frozenMs).toBeLessThan(effectMsMax);
  await everythingSettled();
  expect(await told('unfreeze', 'publisher', 'demo')).toMatchObject({ code: 0 });
  await expect.poll(async () => (await visitor.visit({ path })).status, eventually).toBe(402);
  const unknown = await told('freeze', 'publisher', 'dmeo');
  expect(unknown.code).toBe(1);
  expect(unknown.stderr).toMatch(/^operator_target_unknown: .*demo/);
}, 120_000);

test('behavior: charges of a frozen signer wait, sealed batches end, other lanes go on', async () => {
  const partitionOf = ({ address }: Wallet) =>
    partitionForKey(payerId(devnetNetwork, address.toLowerCase()), 4);
  const frozenPartition = partitionOf(wallet(1));
  const other = platform.run.wallets.find(
    (one) => partitionOf(one as Wallet) !== frozenPartition,
  ) as Wallet;
  const lanes = (await view.events('settlements')).filter(({ type }) => type === 'BatchSealed');
  const signer = lanes
    .map(({ data }) => data as EventOfType<'BatchSealed'>['data'])
    .find(({ batchId }) => batchId.startsWith(`b${frozenPartition}-`))?.signer;
  if (signer === undefined) return expect.unreachable();
  const loads = load([wallet(1), other]);
  await expect.poll(() => loads.served.length, eventually).toBeGreaterThan(5);
  expect(await told('freeze', 'signer', signer)).toMatchObject({ code: 0, stderr: '' });
  const frozenMs = Date.now();
  const more = loads.served.length + 4;
  await expect.poll(() => loads.served.length, eventually).toBeGreaterThan(more);
  await loads.end();
  const inFlight = async () => {
    const told = await view.of(wallet(1).address);
    const ids = (type: string) =>
      told.flatMap((event) =>
        event.type === type && 'chargeId' in event.data ? [event.data.chargeId] : [],
      );
    const ended = new Set([...ids('ChargeSettled'), ...ids('ChargeReturned')]);
    const posted = ids('ChargePosted').length;
    return {
      flying: ids('ChargeInFlight').filter((id) => !ended.has(id)).length,
      waiting: posted - ids('ChargeSettled').length,
    };
  };
  // What was sealed ends; what came later waits, and only there.
  await expect.poll(async () => (await inFlight()).flying, eventually).toBe(0);
  expect((await inFlight()).waiting).toBeGreaterThan(0);
  const ofOther = async () => {
    const told = await view.of(other.address);
    const count = (type: string) => told.filter((event) => event.type === type).length;
    return count('ChargePosted') - count('ChargeSettled');
  };
  await expect.poll(ofOther, eventually).toBe(0);
  const sealedLater = (await view.events('settlements')).filter(
    ({ type, data, timeMs }) =>
      type === 'BatchSealed' &&
      (data as EventOfType<'BatchSealed'>['data']).signer === signer &&
      timeMs > frozenMs,
  );
  expect(sealedLater).toEqual([]);
  expect(await told('unfreeze', 'signer', signer.toUpperCase().replace('0X', '0x'))).toMatchObject({
    code: 0,
  });
  await everythingSettled();
}, 180_000);

test('error: operator_usage', async () => {
  for (const argv of [['payer'], ['planet', 'x'], ['payer', 'x', 'y'], ['--nonsense']]) {
    const ran = await told('freeze', ...argv);
    expect(ran.code, argv.join(' ')).toBe(2);
    expect(ran.stderr).toMatch(/^operator_usage: [\s\S]*usage: npm run freeze/);
  }
  const help = await told('unfreeze', '--help');
  expect(help).toMatchObject({ code: 0, stderr: '' });
  expect(help.stdout).toMatch(/^usage: npm run unfreeze/);
});
