import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasCode } from '@paycrawl/errors/paycrawl-error';
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
import { encodeFunctionData, type Hex, serializeErc6492Signature } from 'viem';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Chain } from './chain.js';
import { openChain } from './chain-client.js';
import { encodeAggregate3 } from './multicall3.js';
import { signTransaction } from './transaction.js';
import {
  encodeSettlementCalls,
  type SignedAuthorization,
  splitSignature,
  usdcAbi,
} from './usdc.js';

const payee = '0x00000000000000000000000000000000000000ab';
const gwei = 1_000_000_000n;

let directory: string;
let devnet: Devnet;
let proxy: SlowProxy;
let chain: Chain;
let signer: Wallet;
let nonce = 0;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'paycrawl-chain-'));
  // Mining by hand: every test knows in which block it stands.
  devnet = await startDevnet({ directory, blockTimeS: 0 });
  proxy = await startSlowProxy(devnet.rpcUrl);
  chain = openChain({ rpcUrl: devnet.rpcUrl, chainId: devnet.chainId });
  signer = devnet.newWallet();
  await devnet.setEth(signer.address, 10n ** 18n);
});

afterAll(async () => {
  await proxy.close();
  await devnet.stop();
  await rm(directory, { recursive: true });
});

async function mined<T>(work: Promise<T>): Promise<T> {
  // The helpers wait for a block, so one must come while they do.
  const timer = setInterval(() => void devnet.mine(1), 30);
  try {
    return await work;
  } finally {
    clearInterval(timer);
  }
}

async function fundedWallet(amount = 1_000_000n): Promise<Wallet> {
  const wallet = devnet.newWallet();
  await mined(devnet.mintUsdc(wallet.address, amount));
  return wallet;
}

async function settleRaw(signed: readonly SignedAuthorization[], at = nonce, feeWei = 20n * gwei) {
  const calls = signed.flatMap((one) => encodeSettlementCalls(devnet.usdc, one));
  return signTransaction(
    {
      chainId: devnet.chainId,
      nonce: at,
      to: devnet.multicall3,
      data: encodeAggregate3(calls),
      gasLimit: 2_000_000n,
      maxFeePerGasWei: feeWei,
      tipPerGasWei: feeWei < gwei ? feeWei : gwei,
    },
    signer.privateKey,
  );
}

async function settle(signed: readonly SignedAuthorization[]): Promise<Hex> {
  const { raw, hash } = await settleRaw(signed);
  expect(await chain.submit(raw)).toEqual({ outcome: 'sent' });
  await devnet.mine(1);
  nonce += 1;
  return hash;
}

async function sign(wallet: Wallet, value = 1_000n): Promise<SignedAuthorization> {
  const authorization = makeAuthorization({ from: wallet.address, to: payee, value });
  const signature = await signAuthorization(authorization, wallet);
  return { authorization, signature, payerHasCode: false };
}

function cancel(wallet: Wallet, nonceOf: Hex, signature: Hex) {
  const parts = splitSignature(signature);
  if (parts === undefined) return expect.unreachable();
  return encodeFunctionData({
    abi: usdcAbi,
    functionName: 'cancelAuthorization',
    args: [wallet.address, nonceOf, parts.v, parts.r, parts.s],
  });
}

describe('reads', () => {
  test('behavior: identity, head and blocks agree', async () => {
    expect(await chain.identity()).toEqual({ chainId: 84532, genesisHash: devnet.genesisHash });
    const head = await chain.head();
    expect(await chain.block(head.number)).toEqual(head);
    expect(await chain.block(head.hash)).toEqual(head);
    expect((await chain.block(head.number - 1))?.hash).toBe(head.parentHash);
    expect(await chain.block(head.number + 1_000)).toBeUndefined();
  });

  test('behavior: a balance is the smaller of the one at depth and the one at the head', async () => {
    const wallet = await fundedWallet(700n);
    await devnet.mine(3);
    await mined(devnet.mintUsdc(wallet.address, 300n));
    const head = await chain.head();
    const request = { payer: wallet.address, asset: devnet.usdc, nonces: [] };
    const deep = await chain.observePayers([request], 3);
    expect(deep.payers[0]?.balance).toBe(700n);
    expect(deep.block).toEqual(await chain.block(head.number - 3));
    expect((await chain.observePayers([request], 0)).payers[0]?.balance).toBe(1_000n);
    await mined(devnet.drainUsdc(wallet));
    expect((await chain.observePayers([request], 3)).payers[0]?.balance).toBe(0n);
  });

  test('behavior: many payers at once, in order, with code and used nonces', async () => {
    const [one, two] = [await fundedWallet(5_000n), devnet.newWallet()];
    const used = await sign(one);
    await devnet.mine(2);
    await settle([used]);
    await devnet.setCode(two.address, `0xef0100${payee.slice(2)}`);
    const unused = makeAuthorization({ from: one.address, to: payee, value: 1n }).nonce;
    const { payers } = await chain.observePayers(
      [
        { payer: two.address, asset: devnet.usdc, nonces: [] },
        { payer: one.address, asset: devnet.usdc, nonces: [used.authorization.nonce, unused] },
      ],
      2,
    );
    expect(payers.map(({ payer }) => payer)).toEqual([two.address, one.address]);
    expect(payers.map((found) => found.hasCode)).toEqual([true, false]);
    expect(payers[1]?.balance).toBe(4_000n);
    expect(payers[1]?.nonces.map(({ used: isUsed }) => isUsed)).toEqual([true, false]);
  });

  test('error: chain_asset_invalid', async () => {
    const request = { payer: payee, asset: payee, nonces: [] } as const;
    const error = await chain.observePayers([request], 0).catch((reason: unknown) => reason);
    expect(hasCode(error, 'chain_asset_invalid')).toBe(true);
  });
});

describe('settlement', () => {
  test('behavior: each call of a batch fails alone; logs tell who was paid', async () => {
    const wallet = await fundedWallet(1_500n);
    const [fits, tooMuch] = [await sign(wallet, 1_500n), await sign(wallet, 1n)];
    const fromBlock = (await chain.head()).number;
    const hash = await settle([fits, tooMuch]);
    const receipt = await chain.transactionAt(hash);
    if (receipt.outcome !== 'mined') return expect.unreachable();
    expect(receipt.succeeded).toBe(true);
    expect(receipt.feeWei).toBeGreaterThan(receipt.gasUsed);
    const nonces = [fits, tooMuch].map((one) => one.authorization.nonce);
    const ends = await chain.authorizationEvents({
      asset: devnet.usdc,
      fromBlock,
      toBlock: receipt.blockNumber,
      authorizations: nonces.map((one) => ({ authorizer: wallet.address, nonce: one })),
    });
    expect(ends).toHaveLength(1);
    expect(ends[0]).toMatchObject({
      kind: 'used',
      nonce: fits.authorization.nonce,
      transactionHash: hash,
      transfer: { from: wallet.address.toLowerCase(), to: payee, value: 1_500n },
    });
    const authorizations = nonces.map((one) => ({ authorizer: wallet.address, nonce: one }));
    const blockNumber = receipt.blockNumber;
    const asset = devnet.usdc;
    expect(await chain.authorizationStates({ asset, authorizations, blockNumber })).toEqual([
      true,
      false,
    ]);
    const before = { asset, authorizations, blockNumber: blockNumber - 1 };
    expect(await chain.authorizationStates(before)).toEqual([false, false]);
  });

  test('behavior: a cancelled authorization is told as cancelled', async () => {
    const wallet = await fundedWallet();
    const signed = await sign(wallet);
    const ended = signed.authorization.nonce;
    const data = cancel(wallet, ended, await signCancellation(wallet, ended));
    const from = signer.address;
    await devnet.rpc('anvil_impersonateAccount', [from]);
    await mined(devnet.rpc('eth_sendTransaction', [{ from, to: devnet.usdc, data }]));
    await devnet.rpc('anvil_stopImpersonatingAccount', [from]);
    await devnet.mine(1);
    nonce = await chain.accountNonce(from, 'latest');
    await settle([signed]);
    const toBlock = (await chain.head()).number;
    const authorizations = [{ authorizer: wallet.address, nonce: ended }];
    const request = { asset: devnet.usdc, fromBlock: 0, toBlock, authorizations };
    const ends = await chain.authorizationEvents(request);
    expect(ends.map(({ kind, transfer }) => [kind, transfer])).toEqual([['cancelled', undefined]]);
    const narrow = openChain({ rpcUrl: devnet.rpcUrl, chainId: 84532, logRangeBlocksMax: 3 });
    expect(await narrow.authorizationEvents(request)).toEqual(ends);
    const foreign = { ...request, authorizations: [{ authorizer: from, nonce: ended }] };
    expect(await chain.authorizationEvents(foreign)).toEqual([]);
  });

  test('behavior: the same bytes twice are harmless; refusals are typed', async () => {
    const wallet = await fundedWallet();
    const first = await settleRaw([await sign(wallet)]);
    expect(await chain.submit(first.raw)).toEqual({ outcome: 'sent' });
    expect(await chain.submit(first.raw)).toEqual({ outcome: 'known' });
    const cheaper = await settleRaw([], nonce, 20n * gwei - 1n);
    expect(await chain.submit(cheaper.raw)).toMatchObject({ reason: 'underpriced' });
    expect(await chain.transactionAt(first.hash)).toEqual({ outcome: 'absent' });
    expect(await chain.accountNonce(signer.address, 'pending')).toBe(nonce + 1);
    await devnet.mine(1);
    nonce += 1;
    expect(await chain.submit(first.raw)).toMatchObject({ reason: 'nonce_too_low' });
    const dear = await settleRaw([], nonce, 10n ** 15n);
    expect(await chain.submit(dear.raw)).toMatchObject({ reason: 'insufficient_gas_funds' });
    expect(await chain.submit('0x1234')).toMatchObject({ reason: 'other' });
  });

  test('behavior: a dropped transaction is absent and may be sent again', async () => {
    const wallet = await fundedWallet();
    const { raw, hash } = await settleRaw([await sign(wallet)]);
    await chain.submit(raw);
    await devnet.dropTransaction(hash);
    await devnet.mine(1);
    expect(await chain.transactionAt(hash)).toEqual({ outcome: 'absent' });
    expect(await chain.submit(raw)).toEqual({ outcome: 'sent' });
    await devnet.mine(1);
    nonce += 1;
    expect(await chain.transactionAt(hash)).toMatchObject({ outcome: 'mined', succeeded: true });
  });

  test('behavior: a reorganisation of 3 blocks takes a transaction back', async () => {
    const wallet = await fundedWallet();
    await devnet.mine(3);
    const signed = await sign(wallet);
    const { raw } = await settleRaw([signed]);
    const hash = await settle([signed]);
    await devnet.mine(2);
    const before = await chain.head();
    await devnet.reorg(3);
    expect((await chain.block(before.number))?.hash).not.toBe(before.hash);
    expect(await chain.transactionAt(hash)).toEqual({ outcome: 'absent' });
    nonce = await chain.accountNonce(signer.address, 'latest');
    expect(await chain.submit(raw)).toMatchObject({ outcome: expect.stringMatching(/sent|known/) });
    await devnet.mine(1);
    nonce += 1;
    expect(await chain.transactionAt(hash)).toMatchObject({ outcome: 'mined', succeeded: true });
  });
});

test('behavior: a simulation spends balances one after the other', async () => {
  const wallet = await fundedWallet(1_500n);
  const signed = [await sign(wallet, 1_000n), await sign(wallet, 1_000n), await sign(wallet, 500n)];
  const groups = signed.map((one) => encodeSettlementCalls(devnet.usdc, one));
  expect(await chain.simulate({ groups, gasMax: 5_000_000n })).toEqual([true, false, true]);
  expect(await chain.simulate({ groups, gasMax: 50_000n })).toEqual([false, false, false]);
});

describe('signatures', () => {
  const block = 'latest';

  test('behavior: a plain account is recovered, low s only', async () => {
    const wallet = devnet.newWallet();
    const { authorization, signature } = await sign(wallet);
    const hash = authorizationHash(authorization);
    const ask = (candidate: Hex) =>
      chain.isValidSignature({ payer: wallet.address, hash, signature: candidate, block });
    expect(await ask(signature)).toMatchObject({ valid: true, hasCode: false });
    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
    const highS = (order - BigInt(`0x${signature.slice(66, 130)}`)).toString(16).padStart(64, '0');
    const v = signature.endsWith('1b') ? '1c' : '1b';
    expect(await ask(`${signature.slice(0, 66) as Hex}${highS}${v}`)).toMatchObject({
      valid: false,
    });
    expect(await ask('0x12')).toMatchObject({ valid: false });
  });

  test('behavior: a contract wallet decides and settles', async () => {
    const owner = devnet.newWallet();
    const wallet = await mined(devnet.deploySmartWallet(owner.address));
    await mined(devnet.mintUsdc(wallet, 2_000n));
    const authorization = makeAuthorization({ from: wallet, to: payee, value: 2_000n });
    const hash = authorizationHash(authorization);
    const signature = await signHash(hash, owner);
    const good = await chain.isValidSignature({ payer: wallet, hash, signature, block });
    expect(good).toMatchObject({ valid: true, hasCode: true });
    const other = await signHash(hash, devnet.newWallet());
    const bad = await chain.isValidSignature({ payer: wallet, hash, signature: other, block });
    expect(bad).toMatchObject({ valid: false });
    await settle([{ authorization, signature, payerHasCode: true }]);
    expect(await chain.balanceOf(devnet.usdc, wallet, 'latest')).toBe(0n);
  });

  test('behavior: a wallet that is not deployed yet (ERC-6492) is deployed with its payment', async () => {
    const owner = devnet.newWallet();
    const wallet = await devnet.counterfactualWallet(owner.address);
    await mined(devnet.mintUsdc(wallet.address, 2_000n));
    const authorization = makeAuthorization({ from: wallet.address, to: payee, value: 2_000n });
    const hash = authorizationHash(authorization);
    const signature = serializeErc6492Signature({
      address: wallet.factory,
      data: wallet.factoryData,
      signature: await signHash(hash, owner),
    });
    const payer = wallet.address;
    const before = await chain.isValidSignature({ payer, hash, signature, block });
    expect(before).toMatchObject({ valid: true, hasCode: false });
    await settle([{ authorization, signature, payerHasCode: false }]);
    expect(await chain.balanceOf(devnet.usdc, payer, 'latest')).toBe(0n);
    const after = await chain.isValidSignature({ payer, hash, signature, block });
    expect(after).toMatchObject({ valid: true, hasCode: true });
  });

  test('behavior: an account with a delegation (EIP-7702) is asked, not recovered', async () => {
    const wallet = devnet.newWallet();
    const { authorization, signature } = await sign(wallet);
    await devnet.setCode(wallet.address, `0xef0100${devnet.multicall3.slice(2)}`);
    const hash = authorizationHash(authorization);
    const answer = await chain.isValidSignature({ payer: wallet.address, hash, signature, block });
    expect(answer).toMatchObject({ valid: false, hasCode: true });
  });

  test('behavior: a wallet that burns gas gets no more than the bound', async () => {
    const wallet = devnet.newWallet();
    // JUMPDEST PUSH1 0 JUMP: an endless loop.
    await devnet.setCode(wallet.address, '0x5b600056');
    const { authorization, signature } = await sign(wallet);
    const hash = authorizationHash(authorization);
    const answer = await chain.isValidSignature({ payer: wallet.address, hash, signature, block });
    expect(answer).toMatchObject({ valid: false, hasCode: true });
  });
});

describe('error: chain_unavailable', () => {
  async function expectUnavailable(target: Chain): Promise<void> {
    const [request] = [{ payer: payee, asset: devnet.usdc, nonces: [] }] as const;
    const hash: Hex = `0x${'ab'.repeat(32)}`;
    const asked = [
      target.head(),
      target.observePayers([request], 1),
      target.isValidSignature({ payer: payee, hash, signature: '0x12', block: 'latest' }),
      target.transactionAt(hash),
      target.submit('0x02'),
      target.authorizationEvents({
        asset: payee,
        fromBlock: 0,
        toBlock: 1,
        authorizations: [{ authorizer: payee, nonce: hash }],
      }),
      target.simulate({ groups: [[{ target: payee, data: '0x' }]], gasMax: 100_000n }),
    ];
    for (const outcome of await Promise.allSettled(asked)) {
      expect(outcome.status).toBe('rejected');
      if (outcome.status === 'rejected') {
        expect(hasCode(outcome.reason, 'chain_unavailable')).toBe(true);
      }
    }
  }

  test('behavior: the port is closed', async () => {
    await expectUnavailable(openChain({ rpcUrl: 'http://127.0.0.1:1', chainId: 84532 }));
  });

  test('behavior: the node is slow, cut off, or answers nonsense', async () => {
    const impatient = openChain({ rpcUrl: proxy.url, chainId: 84532, timeoutMs: 300 });
    expect((await impatient.head()).number).toBeGreaterThan(0);
    proxy.set({ kind: 'delay', delayMs: 2_000 });
    await expectUnavailable(impatient);
    proxy.set({ kind: 'cut' });
    await expectUnavailable(impatient);
    proxy.set({ kind: 'rewrite', rewrite: () => '{"hello":"world"}' });
    await expectUnavailable(impatient);
    proxy.set({ kind: 'pass' });
    expect((await impatient.head()).number).toBeGreaterThan(0);
  });

  test('behavior: a receipt of another transaction is no answer', async () => {
    const wallet = await fundedWallet();
    const hash = await settle([await sign(wallet)]);
    const client = openChain({ rpcUrl: proxy.url, chainId: 84532 });
    proxy.set({
      kind: 'rewrite',
      rewrite: (_request, response) => response.replaceAll(hash, `0x${'cd'.repeat(32)}`),
    });
    const error = await client.transactionAt(hash).catch((reason: unknown) => reason);
    proxy.set({ kind: 'pass' });
    expect(hasCode(error, 'chain_unavailable')).toBe(true);
  });
});
