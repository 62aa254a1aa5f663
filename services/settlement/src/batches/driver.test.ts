import type { Chain } from '@paycrawl/chain/chain';
import { signTransaction } from '@paycrawl/chain/transaction';
import type { EventOfType } from '@paycrawl/events/event';
import { eventually } from '@paycrawl/testkit/devnet-rpc';
import type { Hex } from 'viem';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  batches,
  bench,
  chain,
  closeWorld,
  depth,
  devnet,
  ether,
  freshBench,
  fundedWallet,
  isSettled,
  network,
  openWorld,
  outputOf,
  passTime,
  payTo,
  proxy,
  received,
  takeBatch,
  takeCharge,
} from './bench.given.js';
import type { Batch, Charge } from './state.js';

beforeAll(openWorld);
afterAll(closeWorld);
beforeEach(() => freshBench());

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
      shares: [],
    });
    expect(outputOf('BatchConfirmed')).toMatchObject({ settled: 3, amountSettled: '3000' });
    expect(bench.troubles).toEqual([]);
    expect(bench.measured.at(-1)).toMatchObject({ queueCharges: 0, partition: 0 });
  });

  test('behavior: the gas of the receipt is shared with the accounts of API keys', async () => {
    const wallets = [await fundedWallet(), await fundedWallet(), await fundedWallet()];
    await bench.until('a lane', () => bench.get(`lane/${network}`) !== undefined);
    const account = 'facilitator:acme';
    const taken = await takeBatch(wallets, [{ account }, {}, { account }]);
    await bench.until('settled', isSettled(taken[2]?.id ?? ''));
    const settled = outputOf('ChargeSettled') as { transactionHash: Hex };
    const receipt = await chain.transactionAt(settled.transactionHash);
    if (receipt.outcome !== 'mined') return expect.unreachable();
    const amountWei = ((receipt.feeWei * 2n) / 3n).toString();
    expect(outputOf('GasSpent')).toMatchObject({
      amountWei: receipt.feeWei.toString(),
      shares: [{ account, charges: 2, amountWei }],
    });
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
        passTime(1_000);
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
        passTime(1_000);
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
    await freshBench({ bumpAfterMs: 5_000 });
    const wallet = await fundedWallet();
    await bench.until('a lane', () => bench.get(`lane/${network}`) !== undefined);
    const { id } = await takeCharge(wallet);
    const attemptsOf = () =>
      bench.get<Batch>(`b/${bench.get<Charge>(`c/${id}`)?.batchId}`)?.attempts ?? [];
    const pollAndLeaveOut = async () => {
      await bench.driver.poll();
      for (const { transactionHash } of attemptsOf()) {
        await devnet.dropTransaction(transactionHash as Hex);
      }
      passTime(2_000);
    };
    // A chain that stands still is no reason to pay more.
    for (let poll = 0; poll < 6; poll += 1) await pollAndLeaveOut();
    expect(attemptsOf()).toHaveLength(1);
    for (let block = 0; block < 5; block += 1) {
      await devnet.mine(1);
      await pollAndLeaveOut();
    }
    const attempts = attemptsOf();
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

describe('what is asked, and when', () => {
  test('behavior: the next batch is signed and sent while outcomes of others are read', async () => {
    let answer = (): void => {};
    const slow = new Promise<void>((resolve) => {
      answer = resolve;
    });
    await freshBench({}, (same) => ({
      ...same,
      transactionAt: async (hash) => {
        await slow;
        return same.transactionAt(hash);
      },
    }));
    const wallet = await fundedWallet();
    await bench.until('a lane', () => bench.get(`lane/${network}`) !== undefined);
    const first = await takeCharge(wallet);
    await bench.driver.poll();
    await bench.driver.poll();
    await devnet.mine(depth + 1);
    const observed = bench.driver.poll();
    const second = await takeCharge(wallet);
    await eventually('the second to be with the node', async () => {
      void bench.driver.poll();
      const pending = await chain.accountNonce(bench.signer.address, 'pending');
      return pending === 2 ? true : undefined;
    });
    expect(isSettled(first.id)()).toBe(false);
    answer();
    await observed;
    expect(isSettled(first.id)()).toBe(true);
    await bench.until('settled', isSettled(second.id));
  });

  test('behavior: the receipt of a batch tells its outcomes, nothing is searched for', async () => {
    const asked: string[] = [];
    const told = <Name extends keyof Chain>(same: Chain, name: Name) => ({
      [name]: (...args: unknown[]) => {
        asked.push(name);
        return (same[name] as (...given: unknown[]) => unknown)(...args);
      },
    });
    await freshBench({}, (same) => ({
      ...same,
      ...told(same, 'authorizationEvents'),
      ...told(same, 'authorizationStates'),
      ...told(same, 'transactionAt'),
    }));
    const wallets = [await fundedWallet(), await fundedWallet()];
    await bench.until('a lane', () => bench.get(`lane/${network}`) !== undefined);
    const taken = await takeBatch(wallets);
    await bench.until('settled', () => taken.every(({ id }) => isSettled(id)()));
    expect(asked.sort()).toEqual(['authorizationStates', 'transactionAt']);
  });

  test('behavior: while all bytes are with a node, only its head is asked for', async () => {
    let asked = 0;
    await freshBench({ resendAfterMs: 60_000 }, (same) => ({
      ...same,
      accountNonce: (...args) => {
        asked += 1;
        return same.accountNonce(...args);
      },
    }));
    const wallet = await fundedWallet();
    await bench.until('a lane', () => bench.get(`lane/${network}`) !== undefined);
    const { id } = await takeCharge(wallet);
    for (let turn = 0; turn < 3; turn += 1) await bench.driver.poll();
    asked = 0;
    for (let turn = 0; turn < 3; turn += 1) await bench.driver.poll();
    expect(asked).toBe(0);
    await bench.until('settled', isSettled(id));
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
      passTime(1_000);
    }
    expect(bench.typesOf(id)).toEqual(['ChargeInFlight']);
    proxy.set({ kind: 'pass' });
    await bench.until('settled', isSettled(id));
  });

  const newest = () => bench.measured.at(-1) as EventOfType<'SettlementMeasured'>['data'];

  test('error: settlement_out_of_gas', async () => {
    const wallet = await fundedWallet();
    await bench.until('a lane', () => bench.get(`lane/${network}`) !== undefined);
    await devnet.setEth(bench.signer.address, 0n);
    const { id } = await takeCharge(wallet);
    for (let poll = 0; poll < 3; poll += 1) await bench.driver.poll();
    expect(bench.troubles.map(({ code }) => code)).toEqual(['settlement_out_of_gas']);
    // What cannot be settled for so long must not be sold any more: the margin ends the offers.
    passTime(500_000);
    await bench.driver.poll();
    expect(newest().marginS).toBeGreaterThanOrEqual(500);
    await devnet.setEth(bench.signer.address, ether);
    await bench.until('settled', isSettled(id));
    expect(bench.troubles).toEqual([]);
    // With nothing under way a newer confirmation may show that it is quick again.
    const next = await takeCharge(wallet);
    await bench.until('the next settled', isSettled(next.id));
    await bench.driver.poll();
    expect(newest().slowestConfirmationMs).toBeLessThan(100_000);
  });

  test('behavior: a first batch that was stuck ends the offers for as long again', async () => {
    const wallet = await fundedWallet();
    await bench.until('a lane', () => bench.get(`lane/${network}`) !== undefined);
    await devnet.setEth(bench.signer.address, 0n);
    const { id } = await takeCharge(wallet);
    await bench.driver.poll();
    passTime(500_000);
    await devnet.setEth(bench.signer.address, ether);
    await bench.until('settled', isSettled(id));
    await bench.driver.poll();
    expect(newest().marginS).toBeGreaterThanOrEqual(500);
    passTime(400_000);
    await bench.driver.poll();
    expect(newest().marginS).toBeGreaterThanOrEqual(500);
    passTime(200_000);
    await bench.driver.poll();
    // The floor takes its place, and clocks differ by what was seen.
    const { marginS, clockDifferenceMs } = newest();
    expect(marginS).toBeLessThanOrEqual(20 + Math.max(0, Math.ceil(clockDifferenceMs / 1000)));
  });

  test('error: settlement_fees_too_high', async () => {
    await freshBench({ maxFeePerGasWeiMax: 1n });
    const wallet = await fundedWallet();
    await bench.until('a lane', () => bench.get(`lane/${network}`) !== undefined);
    const { id } = await takeCharge(wallet);
    await bench.until('trouble', () => bench.troubles.length > 0);
    expect(bench.troubles.map(({ code }) => code)).toEqual(['settlement_fees_too_high']);
    expect(bench.get<Charge>(`c/${id}`)?.status).toBe('in_batch');
    expect(await chain.accountNonce(bench.signer.address, 'latest')).toBe(0);
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
    await freshBench({ batches: { ...batches, batchChargesMax: 2 } });
    const wallet = await fundedWallet(100_000n);
    await bench.until('a lane', () => bench.get(`lane/${network}`) !== undefined);
    const taken = await takeBatch(Array(10).fill(wallet));
    await bench.until('all settled', () => taken.every(({ id }) => isSettled(id)()));
    expect(bench.outputs.filter(({ type }) => type === 'BatchConfirmed')).toHaveLength(5);
    expect(await chain.accountNonce(bench.signer.address, 'latest')).toBe(5);
  });

  test('behavior: the lane goes on while batches wait for depth, 16 of them without a block', async () => {
    await freshBench({ batches: { ...batches, batchChargesMax: 1, batchesInFlightMax: 32 } });
    const wallet = await fundedWallet(100_000n);
    await bench.until('a lane', () => bench.get(`lane/${network}`) !== undefined);
    const taken = await takeBatch(Array(20).fill(wallet));
    const next = (block: 'latest' | 'pending') => chain.accountNonce(bench.signer.address, block);
    for (let look = 0; look < 12; look += 1) await bench.driver.poll();
    expect([await next('latest'), await next('pending')]).toEqual([0, 16]);
    await devnet.mine(1);
    for (let look = 0; look < 4; look += 1) await bench.driver.poll();
    // None of the first is at depth, and the others are with the node.
    expect([await next('latest'), await next('pending')]).toEqual([16, 20]);
    expect(bench.outputs.some(({ type }) => type === 'BatchConfirmed')).toBe(false);
    await bench.until('all settled', () => taken.every(({ id }) => isSettled(id)()));
    expect(await next('latest')).toBe(20);
  });
});
