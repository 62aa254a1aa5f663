import type { Wallet } from '@paycrawl/testkit/devnet-actions';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  bench,
  cancel,
  chain,
  chargeOfWallet,
  closeWorld,
  depth,
  devnet,
  ended,
  freshBench,
  fundedWallet,
  isSettled,
  mined,
  network,
  openWorld,
  outputOf,
  settleElsewhere,
  takeBatch,
  takeCharge,
} from './bench.given.js';
import type { Charge } from './state.js';

beforeAll(openWorld);
afterAll(closeWorld);
beforeEach(() => freshBench());

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
