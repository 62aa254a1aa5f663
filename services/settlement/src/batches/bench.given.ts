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
import { expect } from 'vitest';
import { settlementFold } from './decide.js';
import { createSettlementDriver, type SettlementDriver } from './driver.js';
import type { DriverSettings, Signer, Trouble } from './driver-context.js';
import { type Charge, type DueCharge, initialSettings, type Out } from './state.js';

export const network = 'eip155:84532';
export const payTo: Hex = `0x${'cb'.repeat(20)}`;
export const ether = 10n ** 18n;
export const depth = 3;

let directory: string;
export let devnet: Devnet;
export let proxy: SlowProxy;
export let chain: Chain;

export async function openWorld(): Promise<void> {
  directory = await mkdtemp(join(tmpdir(), 'paycrawl-settlement-'));
  devnet = await startDevnet({ directory, blockTimeS: 0 });
  proxy = await startSlowProxy(devnet.rpcUrl);
  chain = openChain({ rpcUrl: proxy.url, chainId: devnet.chainId, timeoutMs: 1_000 });
}

export async function closeWorld(): Promise<void> {
  await proxy.close();
  await devnet.stop();
  await rm(directory, { recursive: true });
}

/** A partition on an in-memory log: appended records are folded at once. */
export interface Bench {
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
export let bench: Bench;

export const { version: _version, ...batches } = initialSettings;

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

/** A world that a test put something into. */
type Around = (chain: Chain) => Chain;

async function createBench(change: Partial<DriverSettings>, around: Around): Promise<Bench> {
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
        chain: around(chain),
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

/** Call before each test: a new signer, an empty log, a node that behaves. */
export async function freshBench(
  change: Partial<DriverSettings> = {},
  around: Around = (same) => same,
): Promise<void> {
  proxy.set({ kind: 'pass' });
  nowMs = Date.now();
  bench = await createBench(change, around);
}

export function passTime(ms: number): void {
  nowMs += ms;
}

export async function mined<T>(work: Promise<T>): Promise<T> {
  const timer = setInterval(() => void devnet.mine(1), 20);
  try {
    return await work;
  } finally {
    clearInterval(timer);
  }
}

export async function fundedWallet(amount = 10_000n): Promise<Wallet> {
  const wallet = devnet.newWallet();
  await mined(devnet.mintUsdc(wallet.address, amount));
  return wallet;
}

interface ChargeRequest {
  readonly value?: bigint;
  readonly validBefore?: bigint;
  readonly signer?: Wallet;
  readonly settleAlone?: boolean;
  /** Of an API key that had it settled; a crawl otherwise. */
  readonly account?: string;
}

let charges = 0;

export async function chargeOfWallet(from: Hex, wallet: Wallet, request: ChargeRequest = {}) {
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
    publisherId: request.account ?? 'p1',
    network,
    asset: devnet.usdc.toLowerCase(),
    amount: value.toString(),
    kind: request.account === undefined ? 'crawl' : 'facilitated',
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

export async function takeCharge(wallet: Wallet, request: ChargeRequest = {}) {
  const made = await chargeOfWallet(
    request.signer ? wallet.address : wallet.address,
    wallet,
    request,
  );
  await bench.append('ChargeDue', made.due);
  return { ...made, id: made.due.chargeId };
}

/** Many charges of one batch: the last one seals. */
export async function takeBatch(
  wallets: readonly Wallet[],
  requests: readonly ChargeRequest[] = [],
) {
  const made = await Promise.all(
    wallets.map((wallet, index) => chargeOfWallet(wallet.address, wallet, requests[index])),
  );
  for (const [index, { due }] of made.entries()) {
    await bench.append('ChargeDue', { ...due, sealAtOnce: index === made.length - 1 });
  }
  return made.map((one) => ({ ...one, id: one.due.chargeId }));
}

export const ended = (id: string) => () => bench.get<Charge>(`c/${id}`) === undefined;
export const isSettled = (id: string) => () => bench.typesOf(id).includes('ChargeSettled');

export function outputOf(type: Out['type'], chargeId?: string) {
  return bench.outputs.findLast(
    (output) =>
      output.type === type &&
      (chargeId === undefined || ('chargeId' in output.data && output.data.chargeId === chargeId)),
  )?.data;
}

export async function received(run: () => Promise<void>): Promise<bigint> {
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
export async function settleElsewhere(one: Awaited<ReturnType<typeof takeCharge>>): Promise<Hex> {
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

export async function cancel(wallet: Wallet, nonce: Hex): Promise<void> {
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
