import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Chain } from '@paycrawl/chain/chain';
import { openChain } from '@paycrawl/chain/chain-client';
import { encodeAggregate3 } from '@paycrawl/chain/multicall3';
import { signTransaction } from '@paycrawl/chain/transaction';
import { encodeSettlementCalls, splitSignature, usdcAbi } from '@paycrawl/chain/usdc';
import type { NewRecord } from '@paycrawl/event-log/event-log';
import { type AnyEvent, encodeEvent } from '@paycrawl/events/event';
import { deadLetterOf } from '@paycrawl/fold/log-sink';
import { createPartition, type Partition } from '@paycrawl/fold/partition';
import { createMemoryStore } from '@paycrawl/fold/store';
import { type Devnet, startDevnet } from '@paycrawl/testkit/devnet';
import type { Wallet } from '@paycrawl/testkit/devnet-actions';
import {
  authorizationHash,
  makeAuthorization,
  signAuthorization,
  signCancellation,
  signHash,
} from '@paycrawl/testkit/payments';
import { type SlowProxy, startSlowProxy } from '@paycrawl/testkit/slow-proxy';
import { encodeFunctionData, type Hex } from 'viem';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { settlementFold } from './decide.js';
import { createSettlementDriver, type SettlementDriver } from './driver.js';
import type { DriverSettings, Signer, Trouble } from './driver-context.js';
import { type Batch, type Charge, type DueCharge, initialSettings, type Out } from './state.js';

const network = 'eip155:84532';
const payTo: Hex = `0x${'cb'.repeat(20)}`;
const ether = 10n ** 18n;
const depth = 3;

let directory: string;
let devnet: Devnet;
let proxy: SlowProxy;
let chain: Chain;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'paycrawl-settlement-'));
  devnet = await startDevnet({ directory, blockTimeS: 0 });
  proxy = await startSlowProxy(devnet.rpcUrl);
  chain = openChain({ rpcUrl: proxy.url, chainId: devnet.chainId, timeoutMs: 1_000 });
});

afterAll(async () => {
  await proxy.close();
  await devnet.stop();
  await rm(directory, { recursive: true });
});

/** A partition on an in-memory log: appended records are folded at once. */
interface Bench {
  readonly records: NewRecord[];
  readonly outputs: Out[];
  readonly signer: Signer;
  readonly measured: unknown[];
  troubles: readonly Trouble[];
  driver: SettlementDriver;
  partition: Partition<Out>;
  append(type: AnyEvent['type'], data: unknown): Promise<void>;
  /** Polls and mines until the predicate holds, within a bounded number of blocks. */
  until(what: string, holds: () => boolean, blocksMax?: number): Promise<void>;
  /** A second owner's driver: after a pause two processes may own a partition. */
  zombie(): SettlementDriver;
  /** A new driver and a new fold from offset 0, as after a crash. */
  restart(): Promise<void>;
  get<Value>(key: string): Value | undefined;
  typesOf(chargeId: string): string[];
}

let nowMs = 0;
let bench: Bench;

const { version: _version, ...batches } = initialSettings;

const settings: DriverSettings = {
  network,
  batches,
  finalityDepth: depth,
  pollIntervalMs: 0,
  resendAfterMs: 0,
  bumpAfterMs: 1_000_000,
  maxFeePerGasWeiMax: 500_000_000_000n,
  aloneGasMax: 1_500_000n,
  lookbackBlocksMax: 10_000,
  measureIntervalMs: 0,
};

async function createBench(change: Partial<DriverSettings> = {}): Promise<Bench> {
  const wallet = devnet.newWallet();
  const signer = { ...wallet, address: wallet.address.toLowerCase() as Hex };
  await devnet.setEth(signer.address, ether);
  const records: NewRecord[] = [];
  const outputs: Out[] = [];
  const source = { topic: 'charges.1', partition: 0 };
  const foldOne = async (record: NewRecord): Promise<void> => {
    const offset = records.push(record) - 1;
    await made.partition.fold([{ ...record, offset, timestampMs: nowMs }]);
  };
  const write = (event: AnyEvent) => foldOne({ ...source, key: '', value: encodeEvent(event) });
  const openPartition = () =>
    createPartition<Out>({
      fold: settlementFold,
      partition: 0,
      store: createMemoryStore(),
      sink: { write: async () => {}, close: async () => {} },
      deadLetter: deadLetterOf('settlement'),
      onFolded: (caused) => outputs.push(...caused.map(({ output }) => output)),
      onBroken: (error) => expect.unreachable(String(error)),
    });
  const openDriver = () =>
    createSettlementDriver(
      {
        partition: 0,
        state: made.partition.working.view,
        append: async (events) => {
          for (const { event } of events) await write(event);
        },
      },
      {
        chain,
        signer,
        settings: { ...settings, ...change },
        clock: () => nowMs,
        publish: async ({ data }) => void made.measured.push(data),
        onTrouble: (_partition, troubles) => {
          made.troubles = troubles;
        },
      },
    );
  const made: Bench = {
    records,
    outputs,
    signer,
    measured: [],
    troubles: [],
    partition: openPartition(),
    driver: undefined as unknown as SettlementDriver,
    append: (type, data) =>
      write({ type, id: `t${records.length}`, source: 'test', timeMs: nowMs, data } as AnyEvent),
    until: async (what, holds, blocksMax = 25) => {
      for (let block = 0; !holds(); block += 1) {
        if (block === blocksMax) expect.unreachable(`${what}: ${JSON.stringify(made.troubles)}`);
        await made.driver.poll();
        await devnet.mine(1);
        nowMs += 1_000;
        const timerMs = made.partition.working.earliestTimerMs();
        if (timerMs !== undefined && timerMs <= nowMs) await made.append('TimePassed', {});
      }
    },
    restart: async () => {
      await made.driver.close();
      made.partition = openPartition();
      const kept = outputs.length;
      for (const [offset, record] of records.entries()) {
        await made.partition.fold([{ ...record, offset, timestampMs: nowMs }]);
      }
      // Folding again gives the same outputs, which consumers drop by their causes.
      outputs.splice(kept);
      made.driver = openDriver();
    },
    zombie: openDriver,
    get: (key) => made.partition.working.view.get(key),
    typesOf: (chargeId) =>
      outputs
        .filter(({ data }) => 'chargeId' in data && data.chargeId === chargeId)
        .map(({ type }) => type),
  };
  made.driver = openDriver();
  return made;
}

beforeEach(async () => {
  proxy.set({ kind: 'pass' });
  nowMs = Date.now();
  bench = await createBench();
});

async function mined<T>(work: Promise<T>): Promise<T> {
  const timer = setInterval(() => void devnet.mine(1), 20);
  try {
    return await work;
  } finally {
    clearInterval(timer);
  }
}

async function fundedWallet(amount = 10_000n): Promise<Wallet> {
  const wallet = devnet.newWallet();
  await mined(devnet.mintUsdc(wallet.address, amount));
  return wallet;
}

interface ChargeRequest {
  readonly value?: bigint;
  readonly validBefore?: bigint;
  readonly signer?: Wallet;
  readonly settleAlone?: boolean;
}

let charges = 0;

async function chargeOfWallet(from: Hex, wallet: Wallet, request: ChargeRequest = {}) {
  const { value = 1_000n, validBefore } = request;
  const window = validBefore === undefined ? {} : { validBefore };
  const authorization = makeAuthorization({ from, to: payTo, value, ...window });
  const signature =
    from === wallet.address
      ? await signAuthorization(authorization, wallet)
      : await signHash(authorizationHash(authorization), wallet);
  charges += 1;
  const address = from.toLowerCase();
  const due: DueCharge = {
    chargeId: `c${charges}`,
    payer: `${network}:${address}`,
    publisherId: 'p1',
    network,
    asset: devnet.usdc.toLowerCase(),
    amount: value.toString(),
    kind: 'crawl',
    payTo,
    authorization: {
      from: address,
      to: payTo,
      value: value.toString(),
      validAfter: '0',
      validBefore: authorization.validBefore.toString(),
      nonce: authorization.nonce,
    },
    signature,
    settleAlone: request.settleAlone ?? false,
    sealAtOnce: true,
  };
  return { due, authorization, signature };
}

async function takeCharge(wallet: Wallet, request: ChargeRequest = {}) {
  const made = await chargeOfWallet(
    request.signer ? wallet.address : wallet.address,
    wallet,
    request,
  );
  await bench.append('ChargeDue', made.due);
  return { ...made, id: made.due.chargeId };
}

/** Many charges of one batch: the last one seals. */
async function takeBatch(wallets: readonly Wallet[], requests: readonly ChargeRequest[] = []) {
  const made = await Promise.all(
    wallets.map((wallet, index) => chargeOfWallet(wallet.address, wallet, requests[index])),
  );
  for (const [index, { due }] of made.entries()) {
    await bench.append('ChargeDue', { ...due, sealAtOnce: index === made.length - 1 });
  }
  return made.map((one) => ({ ...one, id: one.due.chargeId }));
}

const ended = (id: string) => () => bench.get<Charge>(`c/${id}`) === undefined;
const isSettled = (id: string) => () => bench.typesOf(id).includes('ChargeSettled');

function outputOf(type: Out['type'], chargeId?: string) {
  return bench.outputs.findLast(
    (output) =>
      output.type === type &&
      (chargeId === undefined || ('chargeId' in output.data && output.data.chargeId === chargeId)),
  )?.data;
}

async function received(run: () => Promise<void>): Promise<bigint> {
  const before = await openChain({ rpcUrl: devnet.rpcUrl, chainId: devnet.chainId }).balanceOf(
    devnet.usdc,
    payTo,
    'latest',
  );
  await run();
  const direct = openChain({ rpcUrl: devnet.rpcUrl, chainId: devnet.chainId });
  return (await direct.balanceOf(devnet.usdc, payTo, 'latest')) - before;
}

/** Somebody else settles the authorization, as any facilitator could. */
async function settleElsewhere(one: Awaited<ReturnType<typeof takeCharge>>): Promise<Hex> {
  const { authorization, signature } = one;
  const calls = encodeSettlementCalls(devnet.usdc, {
    authorization,
    signature,
    payerHasCode: false,
  });
  const stranger = devnet.newWallet();
  await devnet.setEth(stranger.address, ether);
  const { raw, hash } = await signTransaction(
    {
      chainId: devnet.chainId,
      nonce: 0,
      to: devnet.multicall3,
      data: encodeAggregate3(calls),
      gasLimit: 500_000n,
      maxFeePerGasWei: 100_000_000_000n,
      tipPerGasWei: 1_000_000_000n,
    },
    stranger.privateKey,
  );
  await devnet.rpc('eth_sendRawTransaction', [raw]);
  await devnet.mine(1);
  return hash;
}

async function cancel(wallet: Wallet, nonce: Hex): Promise<void> {
  const parts = splitSignature(await signCancellation(wallet, nonce));
  if (parts === undefined) return expect.unreachable();
  const data = encodeFunctionData({
    abi: usdcAbi,
    functionName: 'cancelAuthorization',
    args: [wallet.address, nonce, parts.v, parts.r, parts.s],
  });
  const [from] = await devnet.rpc<Hex[]>('eth_accounts');
  await devnet.rpc('eth_sendTransaction', [{ from, to: devnet.usdc, data }]);
  await devnet.mine(1);
}

describe('a batch on a real chain', () => {
  test('behavior: charges arrive at the payee, and the books hear of it at depth', async () => {
    const wallets = [await fundedWallet(), await fundedWallet(), await fundedWallet()];
    await bench.until('a lane', () => bench.get(`lane/${network}`) !== undefined);
    const arrived = await received(async () => {
      const taken = await takeBatch(wallets);
      await bench.until('settled', isSettled(taken[2]?.id ?? ''));
    });
    expect(arrived).toBe(3_000n);
    const settled = outputOf('ChargeSettled') as { transactionHash: Hex; blockNumber: number };
    const receipt = await chain.transactionAt(settled.transactionHash);
    if (receipt.outcome !== 'mined') return expect.unreachable();
    expect(settled.blockNumber).toBeGreaterThanOrEqual(receipt.blockNumber);
    expect((await chain.head()).number).toBeGreaterThanOrEqual(settled.blockNumber + depth);
    expect(outputOf('GasSpent')).toMatchObject({
      amountWei: receipt.feeWei.toString(),
      charges: 3,
    });
    expect(outputOf('BatchConfirmed')).toMatchObject({ settled: 3, amountSettled: '3000' });
    expect(bench.troubles).toEqual([]);
    expect(bench.measured.at(-1)).toMatchObject({ queueCharges: 0, partition: 0 });
  });

  test('behavior: bytes are sent only after they came back through the log', async () => {
    const wallet = await fundedWallet();
    await bench.until('a lane', () => bench.get(`lane/${network}`) !== undefined);
    const { id } = await takeCharge(wallet);
    await bench.driver.poll();
    const batch = bench.get<Batch>(`b/${bench.get<Charge>(`c/${id}`)?.batchId}`);
    expect(batch?.attempts).toHaveLength(1);
    expect(await chain.accountNonce(bench.signer.address, 'pending')).toBe(0);
    await bench.driver.poll();
    expect(await chain.accountNonce(bench.signer.address, 'pending')).toBe(1);
  });

  test('behavior: a crash at any step goes on from the log, and pays once', async () => {
    const wallet = await fundedWallet();
    const arrived = await received(async () => {
      const { id } = await takeCharge(wallet);
      for (let step = 0; step < 15 && !isSettled(id)(); step += 1) {
        await bench.driver.poll();
        await bench.restart();
        await devnet.mine(1);
        nowMs += 1_000;
      }
      expect(bench.typesOf(id)).toEqual(['ChargeInFlight', 'ChargeSettled']);
    });
    expect(arrived).toBe(1_000n);
  });

  test('behavior: two owners of the partition at once pay once', async () => {
    const wallet = await fundedWallet();
    const zombie = bench.zombie();
    const arrived = await received(async () => {
      const { id } = await takeCharge(wallet);
      for (let step = 0; step < 15 && !isSettled(id)(); step += 1) {
        await Promise.all([bench.driver.poll(), zombie.poll()]);
        await devnet.mine(1);
        nowMs += 1_000;
      }
      expect(bench.typesOf(id)).toEqual(['ChargeInFlight', 'ChargeSettled']);
    });
    expect(arrived).toBe(1_000n);
    expect(bench.outputs.filter(({ type }) => type === 'BatchSubmitted')).toHaveLength(1);
  });

  test('behavior: a dropped transaction is sent again', async () => {
    const wallet = await fundedWallet();
    await bench.until('a lane', () => bench.get(`lane/${network}`) !== undefined);
    const { id } = await takeCharge(wallet);
    await bench.driver.poll();
    await bench.driver.poll();
    const batch = bench.get<Batch>(`b/${bench.get<Charge>(`c/${id}`)?.batchId}`);
    await devnet.dropTransaction(batch?.attempts[0]?.transactionHash as Hex);
    await devnet.mine(2);
    expect(await chain.accountNonce(bench.signer.address, 'latest')).toBe(0);
    await bench.until('settled', isSettled(id));
  });

  test('behavior: a reorganisation of 3 blocks takes the transaction back and it goes again', async () => {
    const wallet = await fundedWallet();
    await devnet.mine(4);
    await bench.until('a lane', () => bench.get(`lane/${network}`) !== undefined);
    const arrived = await received(async () => {
      const { id } = await takeCharge(wallet);
      await bench.driver.poll();
      await bench.driver.poll();
      await devnet.mine(1);
      await bench.driver.poll();
      await devnet.mine(1);
      expect(await chain.accountNonce(bench.signer.address, 'latest')).toBe(1);
      await devnet.reorg(3);
      await bench.until('settled', isSettled(id));
      expect(bench.typesOf(id)).toEqual(['ChargeInFlight', 'ChargeSettled']);
    });
    expect(arrived).toBe(1_000n);
  });

  test('behavior: an attempt that is not mined is outbid with the same nonce', async () => {
    bench = await createBench({ bumpAfterMs: 5_000 });
    const wallet = await fundedWallet();
    await bench.until('a lane', () => bench.get(`lane/${network}`) !== undefined);
    const { id } = await takeCharge(wallet);
    for (let poll = 0; poll < 4; poll += 1) {
      await bench.driver.poll();
      nowMs += 6_000;
    }
    const attempts = bench.get<Batch>(`b/${bench.get<Charge>(`c/${id}`)?.batchId}`)?.attempts ?? [];
    expect(attempts.length).toBeGreaterThanOrEqual(2);
    const [first, second] = attempts.map(({ maxFeePerGas }) => BigInt(maxFeePerGas));
    expect((second ?? 0n) * 10n).toBeGreaterThanOrEqual((first ?? 0n) * 11n);
    await bench.until('settled', isSettled(id));
    expect(await chain.accountNonce(bench.signer.address, 'latest')).toBe(1);
  });

  test('behavior: a stranger that uses the nonce loses the batch, not the money', async () => {
    const wallet = await fundedWallet();
    await bench.until('a lane', () => bench.get(`lane/${network}`) !== undefined);
    const { id } = await takeCharge(wallet);
    await bench.driver.poll();
    const { raw } = await signTransaction(
      {
        chainId: devnet.chainId,
        nonce: 0,
        to: bench.signer.address,
        data: '0x',
        gasLimit: 21_000n,
        maxFeePerGasWei: 400_000_000_000n,
        tipPerGasWei: 1_000_000_000n,
      },
      bench.signer.privateKey,
    );
    await devnet.rpc('eth_sendRawTransaction', [raw]);
    await devnet.mine(1);
    await bench.until('settled', isSettled(id));
    expect(outputOf('BatchLost')).toBeDefined();
    expect(bench.typesOf(id)).toEqual([
      'ChargeInFlight',
      'ChargeReturned',
      'ChargeInFlight',
      'ChargeSettled',
    ]);
  });
});

describe('charges that cannot be collected with the others', () => {
  test('behavior: used elsewhere is proved by its transfer, the others settle', async () => {
    const wallets = [await fundedWallet(), await fundedWallet()];
    const [one, other] = await takeBatch(wallets);
    if (one === undefined || other === undefined) return expect.unreachable();
    const hash = await settleElsewhere(one);
    await bench.until('both ended', () => ended(one.id)() && ended(other.id)());
    expect(outputOf('ChargeSettled', one.id)).toMatchObject({
      paidElsewhere: true,
      transactionHash: hash,
    });
    expect(outputOf('ChargeSettled', other.id)).toMatchObject({ paidElsewhere: false });
  });

  test('behavior: a cancelled authorization is a loss that is told', async () => {
    const wallets = [await fundedWallet(), await fundedWallet()];
    const [one, other] = await takeBatch(wallets);
    if (one === undefined || other === undefined) return expect.unreachable();
    await cancel(wallets[0] as Wallet, one.authorization.nonce);
    await bench.until('both ended', () => ended(one.id)() && ended(other.id)());
    expect(outputOf('ChargeUncollectible', one.id)).toMatchObject({ reason: 'cancelled' });
    expect(isSettled(other.id)()).toBe(true);
  });

  test('behavior: an empty payer waits until it is funded', async () => {
    const [empty, rich] = [devnet.newWallet(), await fundedWallet()];
    const [one, other] = await takeBatch([empty, rich]);
    if (one === undefined || other === undefined) return expect.unreachable();
    await bench.until('the other settled', isSettled(other.id));
    expect(bench.get<Charge>(`c/${one.id}`)?.status).toBe('held');
    await mined(devnet.mintUsdc(empty.address, 1_000n));
    await bench.until('settled', isSettled(one.id));
    expect(bench.typesOf(one.id)).toEqual([
      'ChargeInFlight',
      'ChargeReturned',
      'ChargeInFlight',
      'ChargeSettled',
    ]);
  });

  test('behavior: an empty payer whose time is over is a loss, by a block at depth', async () => {
    const wallet = devnet.newWallet();
    const { timestampS } = await chain.head();
    const [one] = await takeBatch([wallet], [{ validBefore: BigInt(timestampS + 30) }]);
    if (one === undefined) return expect.unreachable();
    await bench.until('held', () => bench.get<Charge>(`c/${one.id}`)?.status === 'held');
    await devnet.rpc('evm_increaseTime', [60]);
    await devnet.mine(depth + 1);
    await bench.until('ended', ended(one.id));
    const { blockNumber } = outputOf('ChargeUncollectible', one.id) as { blockNumber: number };
    expect((await chain.block(blockNumber))?.timestampS).toBeGreaterThanOrEqual(timestampS + 30);
    expect((await chain.head()).number).toBeGreaterThanOrEqual(blockNumber + depth);
  });

  test('behavior: a payer that has code by now leaves the batch and settles alone', async () => {
    const owner = devnet.newWallet();
    const wallet = await mined(devnet.deploySmartWallet(owner.address));
    await mined(devnet.mintUsdc(wallet, 1_000n));
    const rich = await fundedWallet();
    const smart = await chargeOfWallet(wallet, owner);
    await bench.append('ChargeDue', { ...smart.due, sealAtOnce: false });
    const other = await takeCharge(rich);
    const id = smart.due.chargeId;
    await bench.until('both settled', () => isSettled(id)() && isSettled(other.id)());
    expect(bench.typesOf(id)).toEqual([
      'ChargeInFlight',
      'ChargeReturned',
      'ChargeInFlight',
      'ChargeSettled',
    ]);
    const batches = new Set([id, other.id].map((one) => outputOf('ChargeSettled', one)));
    expect(batches.size).toBe(2);
  });

  test('behavior: a delegation that refuses never harms others, and ends as a loss', async () => {
    const [turned, rich] = [await fundedWallet(), await fundedWallet()];
    const { timestampS } = await chain.head();
    const soon = { validBefore: BigInt(timestampS + 40) };
    const [one, other] = await takeBatch([turned, rich], [soon]);
    if (one === undefined || other === undefined) return expect.unreachable();
    await devnet.setCode(turned.address, `0xef0100${devnet.multicall3.slice(2)}`);
    await bench.until('the other settled', isSettled(other.id));
    await bench.until('held', () => bench.get<Charge>(`c/${one.id}`)?.status === 'held');
    const sent = await chain.accountNonce(bench.signer.address, 'latest');
    for (let poll = 0; poll < 3; poll += 1) {
      await bench.driver.poll();
      await devnet.mine(1);
    }
    // A simulation that fails costs nothing: no gas is burnt on hopeless repeats.
    expect(await chain.accountNonce(bench.signer.address, 'latest')).toBe(sent);
    await devnet.rpc('evm_increaseTime', [60]);
    await devnet.mine(depth + 1);
    await bench.until('ended', ended(one.id));
    expect(outputOf('ChargeUncollectible', one.id)).toMatchObject({ reason: 'expired_unused' });
  });

  test('behavior: a batch whose time is over is cleared by an attempt without calls', async () => {
    const { timestampS } = await chain.head();
    await bench.until('a lane', () => bench.get(`lane/${network}`) !== undefined);
    const wallet = await fundedWallet();
    const [one] = await takeBatch([wallet], [{ validBefore: BigInt(timestampS + 5) }]);
    if (one === undefined) return expect.unreachable();
    await devnet.rpc('evm_increaseTime', [60]);
    await devnet.mine(1);
    await bench.until('ended', ended(one.id));
    expect(outputOf('ChargeUncollectible', one.id)).toMatchObject({ reason: 'expired_unused' });
    expect(outputOf('GasSpent')).toMatchObject({ gasUsed: '21000', charges: 0 });
  });
});

describe('a world in trouble', () => {
  test('error: chain_unavailable', async () => {
    const wallet = await fundedWallet();
    await bench.until('a lane', () => bench.get(`lane/${network}`) !== undefined);
    const { id } = await takeCharge(wallet);
    for (const behaviour of [
      { kind: 'cut' },
      { kind: 'delay', delayMs: 3_000 },
      { kind: 'rewrite', rewrite: () => '{}' },
    ] as const) {
      proxy.set(behaviour);
      await bench.driver.poll();
      expect(bench.troubles.map(({ code }) => code)).toEqual(['chain_unavailable']);
    }
    proxy.set({ kind: 'pass' });
    await bench.until('settled', isSettled(id));
  });

  test('behavior: an answer that is lost after the bytes were taken pays once', async () => {
    const wallet = await fundedWallet();
    await bench.until('a lane', () => bench.get(`lane/${network}`) !== undefined);
    const arrived = await received(async () => {
      const { id } = await takeCharge(wallet);
      await bench.driver.poll();
      proxy.set({
        kind: 'rewrite',
        rewrite: (request, response) =>
          request.includes('eth_sendRawTransaction') ? 'lost' : response,
      });
      await bench.driver.poll();
      expect(bench.troubles.map(({ code }) => code)).toEqual(['chain_unavailable']);
      proxy.set({ kind: 'pass' });
      await bench.until('settled', isSettled(id));
    });
    expect(arrived).toBe(1_000n);
  });

  test('behavior: a node that lies about receipts delays, and changes nothing', async () => {
    const wallet = await fundedWallet();
    await bench.until('a lane', () => bench.get(`lane/${network}`) !== undefined);
    const { id } = await takeCharge(wallet);
    // Receipts stand in a block that does not exist.
    proxy.set({
      kind: 'rewrite',
      rewrite: (request, response) =>
        request.includes('eth_getTransactionReceipt')
          ? response.replace(/"blockHash":"0x[0-9a-f]{8}/g, '"blockHash":"0x00000000')
          : response,
    });
    for (let block = 0; block < depth + 5; block += 1) {
      await bench.driver.poll();
      await devnet.mine(1);
      nowMs += 1_000;
    }
    expect(bench.typesOf(id)).toEqual(['ChargeInFlight']);
    proxy.set({ kind: 'pass' });
    await bench.until('settled', isSettled(id));
  });

  test('error: settlement_out_of_gas', async () => {
    const wallet = await fundedWallet();
    await bench.until('a lane', () => bench.get(`lane/${network}`) !== undefined);
    await devnet.setEth(bench.signer.address, 0n);
    const { id } = await takeCharge(wallet);
    for (let poll = 0; poll < 3; poll += 1) await bench.driver.poll();
    expect(bench.troubles.map(({ code }) => code)).toEqual(['settlement_out_of_gas']);
    await devnet.setEth(bench.signer.address, ether);
    await bench.until('settled', isSettled(id));
    expect(bench.troubles).toEqual([]);
  });

  test('error: chain_mismatch', async () => {
    const wallet = await fundedWallet();
    const { id } = await takeCharge(wallet);
    await bench.until('settled', isSettled(id));
    const second = await takeCharge(wallet);
    await devnet.reorg(depth + 2);
    await bench.driver.poll();
    expect(bench.troubles.map(({ code }) => code)).toEqual(['chain_mismatch']);
    expect(bench.get<Batch>(`b/${bench.get<Charge>(`c/${second.id}`)?.batchId}`)?.attempts).toEqual(
      [],
    );
  });

  test('error: settlement_signer_unknown', async () => {
    await bench.append('LaneOpened', {
      network,
      signer: payTo,
      firstNonce: 0,
      genesisHash: devnet.genesisHash,
    });
    await bench.driver.poll();
    expect(bench.troubles.map(({ code }) => code)).toEqual(['settlement_signer_unknown']);
  });

  test('behavior: several batches are in flight at once, in the order of their nonces', async () => {
    bench = await createBench({ batches: { ...batches, batchChargesMax: 2 } });
    const wallet = await fundedWallet(100_000n);
    await bench.until('a lane', () => bench.get(`lane/${network}`) !== undefined);
    const taken = await takeBatch(Array(10).fill(wallet));
    await bench.until('all settled', () => taken.every(({ id }) => isSettled(id)()));
    expect(bench.outputs.filter(({ type }) => type === 'BatchConfirmed')).toHaveLength(5);
    expect(await chain.accountNonce(bench.signer.address, 'latest')).toBe(5);
  });
});
