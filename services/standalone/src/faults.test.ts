import { join } from 'node:path';
import { encodeTransferWithAuthorization } from '@paycrawl/chain/usdc';
import type { AnyEvent } from '@paycrawl/events/event';
import { chargeId as chargeIdOf, payerId } from '@paycrawl/events/ids';
import { type Devnet, findDevnet } from '@paycrawl/testkit/devnet';
import type { Wallet } from '@paycrawl/testkit/devnet-actions';
import { makeAuthorization, signAuthorization, signCancellation } from '@paycrawl/testkit/payments';
import { decodePaymentSignatureHeader, encodePaymentSignatureHeader } from '@x402/core/http';
import { encodeFunctionData, type Hex, parseAbi } from 'viem';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type CountedOrigin, startCountedOrigin } from './testing/counted-origin.js';
import { devnetNetwork, type LogView, openLogView } from './testing/log-view.js';
import { type PlatformProcess, startPlatformProcess } from './testing/platform-process.js';
import { registerPublisher, type SecondPublisher } from './testing/publisher.js';
import { type Balance, openReadApi, sumOf } from './testing/read-api.js';
import {
  crawlerAgent,
  openVisitor,
  type Page,
  refusalOf,
  signedFor,
  textOf,
  type Visitor,
} from './testing/visitor.js';
import { usdcBalance } from './usdc-balance.js';

// Faults of payers, crawlers and origins, against the whole platform.

let platform: PlatformProcess;
let visitor: Visitor;
let origin: CountedOrigin;
let publisher: SecondPublisher;
let devnet: Devnet;
let view: LogView;

const eventually = { timeout: 40_000, interval: 100 };
const finalityDepth = 2;

beforeAll(async () => {
  const environment = {
    // Short windows, so that their ends can be seen.
    ...{ INGRESS_MARGIN_S: '3', ADMISSION_MARGIN_S: '2', SETTLEMENT_DEADLINE_MARGIN_S: '1' },
    ...{ ORIGIN_HEADERS_TIMEOUT_MS: '700', ORIGIN_BODY_TIMEOUT_MS: '700' },
    ...{ ORIGIN_CONNECT_TIMEOUT_MS: '700', CHAIN_FINALITY_DEPTH: String(finalityDepth) },
    SETTLEMENT_BATCH_AGE_MAX_MS: '3000',
  };
  platform = await startPlatformProcess({ environment });
  const search = await findDevnet(join(platform.dataDir, 'devnet'));
  if (search.outcome !== 'found') return expect.fail('the platform has no devnet');
  devnet = search.devnet;
  view = openLogView(platform.dataDir);
  origin = await startCountedOrigin();
  publisher = await registerPublisher(view.log, platform.run, origin.origin);
  visitor = openVisitor(platform.run.ingress);
  await vi.waitFor(() => visitor.offer(at('/')), eventually);
}, 120_000);

afterAll(async () => {
  visitor?.close();
  await origin?.close();
  await view?.close();
  await platform?.remove();
});

const at = (path: string) => ({ path, host: publisher.host });

const balance = (): Promise<Balance> =>
  openReadApi(platform.run, platform.run.operator.token).get(
    `/v1/publishers/${publisher.id}/balance`,
  );

async function funded(amount: bigint): Promise<Wallet> {
  const wallet = devnet.newWallet();
  await devnet.mintUsdc(wallet.address, amount);
  await devnet.mine(finalityDepth + 1);
  return wallet;
}

/** What the verifier decided about a payer, in order. */
async function decided(wallet: Wallet): Promise<string[]> {
  const told = ['PaymentAccepted', 'PaymentRejected', 'ChargePosted', 'HoldReleased'];
  return (await view.of(wallet.address))
    .map(({ type }) => type)
    .filter((type) => told.includes(type));
}

async function ofType<Type extends AnyEvent['type']>(wallet: Wallet, type: Type) {
  const events = await view.of(wallet.address);
  return events.filter((event): event is Extract<AnyEvent, { type: Type }> => event.type === type);
}

async function nothingOwed(): Promise<void> {
  await expect.poll(async () => (await balance()).owed, eventually).toEqual([]);
}

/** Sends a call to USDC by anybody, and waits until it is in a block. */
async function callUsdc(data: Hex): Promise<void> {
  const [from] = await devnet.rpc<Hex[]>('eth_accounts');
  const request = { from, to: devnet.usdc, data, gas: '0x100000' };
  const hash = await devnet.rpc<Hex>('eth_sendTransaction', [request]);
  const mined = async () =>
    (await devnet.rpc<{ status: Hex } | null>('eth_getTransactionReceipt', [hash]))?.status;
  await expect.poll(mined, eventually).toBe('0x1');
}

interface Presented {
  readonly authorization: {
    readonly from: Hex;
    readonly to: Hex;
    readonly value: string;
    readonly validAfter: string;
    readonly validBefore: string;
    readonly nonce: Hex;
  };
  readonly signature: Hex;
}

function presented(proof: string): Presented {
  return decodePaymentSignatureHeader(proof).payload as unknown as Presented;
}

/** The same proof again, as every crawler does, for as long as it is told to come back. */
async function untilServed(buy: () => Promise<Page>, answers: string[]): Promise<Page> {
  const beganMs = Date.now();
  for (;;) {
    const page = await buy();
    answers.push(`${Date.now() - beganMs} ms: ${page.status} ${page.body}`);
    const waitS = Number(page.headers['retry-after']);
    if (page.status !== 503 || Number.isNaN(waitS)) return page;
    await new Promise((resolve) => setTimeout(resolve, waitS * 1000));
  }
}

/** Done before the page is delivered, so before any batch can take its charge. */
async function boughtWhile(
  path: string,
  buy: () => Promise<Page>,
  work: () => Promise<void>,
): Promise<void> {
  let isDone = false;
  origin.answer(path, (response) => {
    const dripping = setInterval(() => {
      if (!isDone) return void response.write('.');
      clearInterval(dripping);
      response.end();
    }, 100);
  });
  const answers: string[] = [];
  const page = untilServed(buy, answers);
  // Whoever is refused before the origin is asked would wait for it in vain, and say nothing.
  const asked = expect.poll(() => origin.asked(path), eventually).toBe(1);
  const first = await Promise.race([asked.then(() => 'asked'), page.then(() => 'answered')]);
  if (first !== 'asked') expect.fail(`the origin was not asked: ${answers.join('\n')}`);
  await work();
  isDone = true;
  expect((await page).status).toBe(200);
}

// Begun first, looked at last: an authorization that runs out while the other tests go on.
let short: { readonly wallet: Wallet } | undefined;
/** Time enough for a busy machine to serve it, told to come back or not. */
const shortValidForS = 60;

describe('payers', () => {
  test('behavior: a payer who spends the money before its charge, and never has it again', async () => {
    const wallet = await funded(1_000n);
    const payload = await signedFor(wallet, await visitor.offer(at('/short')), shortValidForS);
    const proof = encodePaymentSignatureHeader(payload);
    const buy = () => visitor.present(proof, at('/short'));
    await boughtWhile('/short', buy, () => devnet.drainUsdc(wallet));
    short = { wallet };
  }, 90_000);

  test('behavior: the same proof 100 times at once costs one page and one charge', async () => {
    const wallet = await funded(100_000n);
    const before = sumOf((await balance()).charged);
    const proof = await visitor.proof(wallet, at('/hundred'));
    origin.answer('/hundred', (response) => void setTimeout(() => response.end('slowly'), 150));
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => visitor.present(proof, at('/hundred'))),
    );
    const first = answers[0] as Page;
    expect(first).toMatchObject({ status: 200, body: 'slowly' });
    expect(first.headers['payment-response']).toBeTypeOf('string');
    for (const { status, body, headers } of answers) {
      expect([status, body]).toEqual([first.status, first.body]);
      expect(headers['payment-response']).toBe(first.headers['payment-response']);
    }
    expect(origin.asked('/hundred')).toBe(1);
    await expect
      .poll(() => decided(wallet), eventually)
      .toEqual(['PaymentAccepted', 'ChargePosted']);
    await expect
      .poll(async () => sumOf((await balance()).charged) - before, eventually)
      .toBe(1000n);
  });

  test('error: insufficient_funds', async () => {
    const poor = devnet.newWallet();
    const answer = await visitor.pay(poor, at('/poor'));
    expect([answer.status, refusalOf(answer)]).toEqual([402, 'insufficient_funds']);
    await expect.poll(() => decided(poor), eventually).toEqual(['PaymentRejected']);
    expect(origin.asked('/poor')).toBe(0);
  });

  test('behavior: of two proofs that fit one by one but not together, one is accepted', async () => {
    const wallet = await funded(1_500n);
    const visits = [at('/one'), at('/other')];
    const proofs = await Promise.all(visits.map((visit) => visitor.proof(wallet, visit)));
    const answers = await Promise.all(
      visits.map((visit, i) => visitor.present(proofs[i] ?? '', visit)),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 402]);
    const refused = answers.find(({ status }) => status === 402) as Page;
    expect(refusalOf(refused)).toBe('insufficient_funds');
    expect(origin.asked('/one') + origin.asked('/other')).toBe(1);
    // The answers go out before the decisions are durable.
    await expect
      .poll(async () => (await decided(wallet)).toSorted(), eventually)
      .toEqual(expect.arrayContaining(['PaymentAccepted', 'PaymentRejected']));
    expect((await decided(wallet)).filter((type) => type === 'PaymentAccepted')).toHaveLength(1);
  });

  test('behavior: money spent before its charge makes it wait until the money is back', async () => {
    const wallet = await funded(1_000n);
    const buy = () => visitor.pay(wallet, at('/back'));
    await boughtWhile('/back', buy, () => devnet.drainUsdc(wallet));
    // The batch was mined, this transfer in it failed, and that is no end.
    await expect
      .poll(async () => (await ofType(wallet, 'ChargeReturned')).length, eventually)
      .toBeGreaterThan(0);
    expect(await ofType(wallet, 'ChargeUncollectible')).toEqual([]);
    await devnet.mintUsdc(wallet.address, 1_000n);
    await expect.poll(() => ofType(wallet, 'ChargeSettled'), eventually).toHaveLength(1);
  }, 90_000);

  test('behavior: an authorization that somebody else brought to the chain is paid elsewhere', async () => {
    const wallet = await funded(1_000n);
    const before = await usdcBalance(platform.run.chain, publisher.wallet.address);
    const proof = await visitor.proof(wallet, at('/elsewhere'));
    const { authorization, signature } = presented(proof);
    const { value, validAfter, validBefore, ...rest } = authorization;
    const transfer = encodeTransferWithAuthorization({
      authorization: {
        ...rest,
        ...{ value: BigInt(value), validAfter: BigInt(validAfter) },
        validBefore: BigInt(validBefore),
      },
      ...{ signature, payerHasCode: false },
    });
    const buy = () => visitor.present(proof, at('/elsewhere'));
    await boughtWhile('/elsewhere', buy, () => callUsdc(transfer));
    await expect.poll(() => ofType(wallet, 'ChargeSettled'), eventually).toHaveLength(1);
    const [settled] = await ofType(wallet, 'ChargeSettled');
    expect(settled?.data.paidElsewhere).toBe(true);
    const after = await usdcBalance(platform.run.chain, publisher.wallet.address);
    expect(after - before).toBeGreaterThanOrEqual(1000n);
  }, 90_000);

  test('behavior: an authorization cancelled before its charge is a loss that is shown', async () => {
    const wallet = await funded(1_000n);
    const before = sumOf((await balance()).uncollectible);
    const proof = await visitor.proof(wallet, at('/cancelled'));
    const { nonce } = presented(proof).authorization;
    const signature = await signCancellation(wallet, nonce);
    const abi = parseAbi(['function cancelAuthorization(address, bytes32, bytes)']);
    const args = [wallet.address, nonce, signature] as const;
    const cancellation = encodeFunctionData({ abi, functionName: 'cancelAuthorization', args });
    const buy = () => visitor.present(proof, at('/cancelled'));
    await boughtWhile('/cancelled', buy, () => callUsdc(cancellation));
    await expect.poll(() => ofType(wallet, 'ChargeUncollectible'), eventually).toHaveLength(1);
    expect(await ofType(wallet, 'ChargeSettled')).toEqual([]);
    await expect
      .poll(async () => sumOf((await balance()).uncollectible) - before, eventually)
      .toBeGreaterThanOrEqual(1000n);
  }, 90_000);
});

describe('rubbish', () => {
  const deep = Buffer.from(`${'{"a":'.repeat(4_000)}1${'}'.repeat(4_000)}`).toString('base64');
  const json = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64');
  const rubbish: readonly (readonly [string, string])[] = [
    ['not base64', '%%%'],
    ['not JSON', Buffer.from('hello').toString('base64')],
    ['deeply nested', deep],
    ['another version', json({ x402Version: 9 })],
    ['another type', json([1, 2, 3])],
    ['a header of 1 MB', 'A'.repeat(1_000_000)],
  ];

  async function send(header: string): Promise<number> {
    const headers = { 'payment-signature': header };
    // Where the answer comes before the whole header was taken, the connection may be cut.
    return visitor.visit({ ...at('/rubbish'), headers }).then(
      ({ status }) => status,
      () => 431,
    );
  }

  test.each(rubbish)('error: %s is refused, and the origin is not asked', async (_what, header) => {
    const status = await send(header);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    expect(origin.asked('/rubbish')).toBe(0);
  });

  test('behavior: a flood of it does not slow down those who pay', async () => {
    const wallet = await funded(1_000_000n);
    const proofs = await Promise.all(
      Array.from({ length: 20 }, (_, i) => visitor.proof(wallet, at(`/calm/${i}`))),
    );
    let isOver = false;
    const flood = rubbish.map(async ([, header]) => {
      let sent = 0;
      for (; !isOver; sent += 1) await send(header);
      return sent;
    });
    const tookMs: number[] = [];
    for (const [i, proof] of proofs.entries()) {
      const beganMs = performance.now();
      expect((await visitor.present(proof, at(`/calm/${i}`))).status).toBe(200);
      tookMs.push(performance.now() - beganMs);
    }
    isOver = true;
    expect(Math.min(...(await Promise.all(flood)))).toBeGreaterThan(0);
    tookMs.sort((a, b) => a - b);
    // In its turn, and not after what the flood has sent.
    expect(tookMs[10]).toBeLessThan(2_000);
    expect((await fetch(`${platform.run.api}/livez`)).status).toBe(200);
  }, 60_000);
});

describe('deliveries that fail are never charged', () => {
  const large = Buffer.alloc(400_000, 'x');
  const cases: readonly (readonly [string, number, Parameters<CountedOrigin['answer']>[1]])[] = [
    ['/down', 502, (response) => response.destroy()],
    ['/slow', 504, () => undefined],
    [
      '/half',
      502,
      (response) => {
        response.writeHead(200, { 'content-length': '1000' });
        response.write('half of it');
        setTimeout(() => response.destroy(), 20);
      },
    ],
    ['/missing', 404, (response) => response.writeHead(404).end('gone')],
    ['/broken', 500, (response) => response.writeHead(500).end('broken')],
  ];

  test.each(cases)(
    'behavior: %s, and the proof is good once more',
    async (path, status, how) => {
      const wallet = await funded(1_000n);
      const proof = await visitor.proof(wallet, at(path));
      origin.answer(path, how);
      const answer = await visitor.present(proof, at(path));
      expect(answer.status).toBe(status);
      expect(answer.headers['payment-response']).toBeUndefined();
      await expect
        .poll(() => decided(wallet), eventually)
        .toEqual(['PaymentAccepted', 'HoldReleased']);
      origin.answer(path, (response) => response.end('here it is'));
      expect(await visitor.present(proof, at(path))).toMatchObject({
        ...{ status: 200, body: 'here it is' },
      });
      await expect
        .poll(async () => (await decided(wallet)).slice(2), eventually)
        .toEqual(['PaymentAccepted', 'ChargePosted']);
    },
    60_000,
  );

  test('behavior: a client that hangs up before the page, or in its middle, pays nothing', async () => {
    const wallet = await funded(10_000n);
    const hangUps = [
      [
        '/before',
        (response: { end(body: string): void }) => void setTimeout(() => response.end('x'), 400),
      ],
      [
        '/within',
        (response: { write(body: Buffer): void }) => {
          // Streamed: the first bytes are on their way before the whole is known.
          response.write(large);
        },
      ],
    ] as const;
    for (const [path, how] of hangUps) {
      const proof = await visitor.proof(wallet, at(path));
      origin.answer(path, how);
      const visiting = visitor.present(proof, { ...at(path), signal: AbortSignal.timeout(200) });
      await expect(visiting).rejects.toThrow();
    }
    await expect
      .poll(async () => (await ofType(wallet, 'HoldReleased')).length, eventually)
      .toBe(2);
    expect(await ofType(wallet, 'ChargePosted')).toEqual([]);
  });

  test('behavior: an origin that is gone altogether', async () => {
    const wallet = await funded(1_000n);
    const proof = await visitor.proof(wallet, at('/gone'));
    await origin.close();
    expect((await visitor.present(proof, at('/gone'))).status).toBe(502);
    await expect
      .poll(() => decided(wallet), eventually)
      .toEqual(['PaymentAccepted', 'HoldReleased']);
  });
});

describe('quiet hours', () => {
  test('behavior: the last hold expires on time without any traffic', async () => {
    const wallet = await funded(1_000n);
    await view.append(wallet.address, await proofOfDeadIngress(wallet, 9));
    await expect.poll(() => decided(wallet), eventually).toEqual(['PaymentAccepted']);
    await expect
      .poll(() => decided(wallet), eventually)
      .toEqual(['PaymentAccepted', 'HoldReleased']);
    const [released] = await ofType(wallet, 'HoldReleased');
    expect(released?.data.reason).toBe('expired');
  }, 60_000);

  test('behavior: the last batch seals and settles, and what ran out is uncollectible', async () => {
    if (short === undefined) return expect.fail('nothing was sold that could run out');
    const { wallet } = short;
    await expect
      .poll(() => ofType(wallet, 'ChargeUncollectible'), { ...eventually, timeout: 90_000 })
      .toHaveLength(1);
    expect(await ofType(wallet, 'ChargeSettled')).toEqual([]);
    await nothingOwed();
    const { charged, settled, uncollectible } = await balance();
    expect(sumOf(charged)).toBe(sumOf(settled) + sumOf(uncollectible));
    expect(await usdcBalance(platform.run.chain, publisher.wallet.address)).toBe(sumOf(settled));
  }, 120_000);

  /** A proof that an ingress wrote, and then was no more. */
  async function proofOfDeadIngress(wallet: Wallet, validForS: number): Promise<AnyEvent> {
    const { asset } = platform.run.chain;
    const authorization = makeAuthorization({
      ...{ from: wallet.address, to: publisher.wallet.address, value: 1_000n },
      validBefore: BigInt(Math.floor(Date.now() / 1000) + validForS),
    });
    const lower = asset.toLowerCase();
    const from = wallet.address.toLowerCase();
    const payTo = publisher.wallet.address.toLowerCase();
    return {
      ...{ type: 'ProofReceived', id: 'dead/1', source: 'dead', timeMs: Date.now() },
      data: {
        chargeId: chargeIdOf(devnetNetwork, lower, from, authorization.nonce),
        payer: payerId(devnetNetwork, from),
        ...{ publisherId: publisher.id, network: devnetNetwork, asset: lower, amount: '1000' },
        ...{ method: 'GET', host: publisher.host, path: '/dead', crawler: crawlerAgent },
        ...{ ruleId: 'ai-agents', ruleVersion: 1, dialect: 'x402-v2-exact', kind: 'crawl' },
        ...{ requestId: 'dead-1', ingressId: 'ingress-dead', payTo },
        authorization: { ...textOf(authorization), from, to: payTo },
        signature: await signAuthorization(authorization, wallet),
        signatureCheck: { kind: 'recovered' },
        ...{ decideWithinMs: 5_000, leaseMs: 60_000 },
      },
    } as AnyEvent;
  }
});
