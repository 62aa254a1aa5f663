import { encodeAggregate3, multicall3Address } from '@paycrawl/chain/multicall3';
import { fail, PaycrawlError } from '@paycrawl/errors/paycrawl-error';
import { type Address, encodeFunctionData, type Hex } from 'viem';
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts';
import { devnetUsdcAbi, smartWalletInitCode, usdcAddress } from './devnet-contracts.js';
import { type DevnetRpc, eventually, toQuantity } from './devnet-rpc.js';

export interface Wallet {
  readonly address: Address;
  readonly privateKey: Hex;
}

/** What people and tests do to a devnet. Amounts: atomic units of USDC, or wei. */
export interface DevnetHandle {
  readonly rpc: DevnetRpc;
  newWallet(): Wallet;
  /** Returns when the transaction is in a block. */
  mintUsdc(to: Address, amount: bigint): Promise<void>;
  /** The same to thousands, some hundreds in one transaction. */
  mintUsdcToMany(to: readonly Address[], amount: bigint): Promise<void>;
  fundEth(to: Address, wei: bigint): Promise<void>;
  /** Takes an account's USDC away, as its owner could. */
  drainUsdc(wallet: Wallet): Promise<void>;
  setEth(address: Address, wei: bigint): Promise<void>;
  setCode(address: Address, code: Hex): Promise<void>;
  /** A contract wallet (EIP-1271) that accepts what `owner` signed. */
  deploySmartWallet(owner: Address): Promise<Address>;
  /** A wallet that an ERC-6492 signature can deploy, and how. */
  counterfactualWallet(owner: Address): Promise<CounterfactualWallet>;
  mine(blocks: number): Promise<void>;
  /** 0 stops mining by time. */
  setInterval(seconds: number): Promise<void>;
  setAutomine(isOn: boolean): Promise<void>;
  /** Replaces the last blocks with empty ones. */
  reorg(depth: number): Promise<void>;
  /** Takes a waiting transaction out of the pool. */
  dropTransaction(hash: Hex): Promise<void>;
}

export interface CounterfactualWallet {
  readonly address: Address;
  readonly factory: Address;
  readonly factoryData: Hex;
}

/** The deterministic deployment proxy, which Anvil has from block 0: salt ‖ init code. */
const create2Factory: Address = '0x4e59b44847b379578588920cA78FbF26c0B4956C';
const zeroSalt: Hex = `0x${'0'.repeat(64)}`;

export function openDevnet(rpc: DevnetRpc): DevnetHandle {
  return {
    rpc,
    newWallet: () => newWallet(),
    mintUsdc: async (to, amount) => {
      const data = encodeFunctionData({
        abi: devnetUsdcAbi,
        functionName: 'mint',
        args: [to, amount],
      });
      await send(rpc, { from: await account(rpc, 1), to: usdcAddress, data });
    },
    mintUsdcToMany: (to, amount) => mintUsdcToMany(rpc, to, amount),
    fundEth: async (to, wei) => {
      await send(rpc, { from: await account(rpc, 2), to, value: toQuantity(wei) });
    },
    drainUsdc: (wallet) => drainUsdc(rpc, wallet),
    setEth: async (address, wei) => {
      await rpc('anvil_setBalance', [address, toQuantity(wei)]);
    },
    setCode: async (address, code) => {
      await rpc('anvil_setCode', [address, code]);
    },
    deploySmartWallet: async (owner) => {
      const data = await smartWalletInitCode(owner);
      const { contractAddress } = await send(rpc, { from: await account(rpc, 3), data });
      if (contractAddress === null) throw fail('devnet_failed', 'A wallet was not deployed.');
      return contractAddress;
    },
    counterfactualWallet: (owner) => counterfactualWallet(rpc, owner),
    mine: async (blocks) => {
      await rpc('anvil_mine', [toQuantity(blocks)]);
    },
    setInterval: async (seconds) => {
      await rpc('evm_setIntervalMining', [seconds]);
    },
    setAutomine: async (isOn) => {
      await rpc('evm_setAutomine', [isOn]);
    },
    reorg: async (depth) => {
      await rpc('anvil_reorg', [depth, []]);
    },
    dropTransaction: async (hash) => {
      await rpc('anvil_dropTransaction', [hash]);
    },
  };
}

export function newWallet(): Wallet {
  const privateKey = generatePrivateKey();
  return { address: privateKeyToAddress(privateKey), privateKey };
}

async function counterfactualWallet(rpc: DevnetRpc, owner: Address): Promise<CounterfactualWallet> {
  const factoryData: Hex = `${zeroSalt}${(await smartWalletInitCode(owner)).slice(2)}`;
  const call = { to: create2Factory, data: factoryData };
  // Its answer to the deployment, simulated, is the address.
  const address = await rpc<Address>('eth_call', [call, 'latest']);
  return { address, factory: create2Factory, factoryData };
}

/** A mint costs some 40,000 gas; several such transactions fit into one block. */
const mintsPerTransaction = 250;
const mintGasMax = 60_000;

/** Multicall3 becomes a minter: on a devnet everybody may be rich. */
async function mintUsdcToMany(
  rpc: DevnetRpc,
  to: readonly Address[],
  amount: bigint,
): Promise<void> {
  const abi = devnetUsdcAbi;
  const [owner, minter] = [await account(rpc, 0), await account(rpc, 1)];
  const configured = [multicall3Address, 2n ** 255n] as const;
  const data = encodeFunctionData({ abi, functionName: 'configureMinter', args: configured });
  await send(rpc, { from: owner, to: usdcAddress, data });
  const hashes: Hex[] = [];
  for (let from = 0; from < to.length; from += mintsPerTransaction) {
    const calls = to.slice(from, from + mintsPerTransaction).map((address) => ({
      target: usdcAddress,
      data: encodeFunctionData({ abi, functionName: 'mint', args: [address, amount] }),
    }));
    const gas = toQuantity(mintGasMax * (calls.length + 4));
    const mints = { from: minter, to: multicall3Address, data: encodeAggregate3(calls), gas };
    hashes.push(await inTurn(() => sendWithNonce(rpc, mints)));
    // Not every second one block of them.
    await rpc('anvil_mine', ['0x1']);
  }
  const receipts = await Promise.all(hashes.map((hash) => receiptOf(rpc, hash)));
  // Each call may fail alone, and none of these has a reason to.
  const last = to.at(-1);
  const isRich = last === undefined || (await usdcOf(rpc, { address: last })) >= amount;
  if (!isRich || receipts.some(({ status }) => status !== '0x1')) {
    throw fail('devnet_failed', 'Many mints failed.');
  }
}

async function drainUsdc(rpc: DevnetRpc, wallet: Wallet): Promise<void> {
  await rpc('anvil_impersonateAccount', [wallet.address]);
  await rpc('anvil_setBalance', [wallet.address, toQuantity(10n ** 18n)]);
  // A settlement may take its part between question and transfer; then the transfer fails as a
  // whole, and what is left is asked for again.
  for (let left = await usdcOf(rpc, wallet); left > 0n; left = await usdcOf(rpc, wallet)) {
    const args = [await account(rpc, 4), left] as const;
    const data = encodeFunctionData({ abi: devnetUsdcAbi, functionName: 'transfer', args });
    const receipt = await mined(rpc, { from: wallet.address, to: usdcAddress, data });
    const isSame = (await usdcOf(rpc, wallet)) === left;
    if (receipt.status !== '0x1' && isSame) throw fail('devnet_failed', 'A wallet keeps its USDC.');
  }
  await rpc('anvil_stopImpersonatingAccount', [wallet.address]);
}

async function usdcOf(rpc: DevnetRpc, { address }: Pick<Wallet, 'address'>): Promise<bigint> {
  const data = `0x70a08231${address.slice(2).padStart(64, '0')}`;
  return BigInt(await rpc<Hex>('eth_call', [{ to: usdcAddress, data }, 'latest']));
}

interface TransactionRequest {
  readonly from: Address;
  readonly to?: Address;
  readonly data?: Hex;
  readonly value?: Hex;
  readonly gas?: Hex;
}

interface Receipt {
  readonly status: Hex;
  readonly contractAddress: Address | null;
}

/** Gas is given, not estimated: an estimate would not see what waits in the pool. */
const gasLimit = 2_000_000;

async function send(rpc: DevnetRpc, request: TransactionRequest): Promise<Receipt> {
  const receipt = await mined(rpc, request);
  if (receipt.status !== '0x1') throw fail('devnet_failed', 'A devnet transaction failed.');
  return receipt;
}

async function mined(rpc: DevnetRpc, request: TransactionRequest): Promise<Receipt> {
  const transaction = { gas: toQuantity(gasLimit), ...request };
  const hash = await inTurn(() => sendWithNonce(rpc, transaction));
  return receiptOf(rpc, hash);
}

function receiptOf(rpc: DevnetRpc, hash: Hex): Promise<Receipt> {
  return eventually('a transaction to be mined', async () => {
    return (await rpc<Receipt | null>('eth_getTransactionReceipt', [hash])) ?? undefined;
  });
}

let lastTurn: Promise<unknown> = Promise.resolve();

/** The node gives one nonce to two transactions that come at once, so this process sends in turn. */
function inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
  const turn = lastTurn.then(work);
  lastTurn = turn.catch(() => {});
  return turn;
}

/** Another process may take the nonce between; the node then refuses ours and nothing happened. */
const nonceRacesMax = 20;

async function sendWithNonce(rpc: DevnetRpc, transaction: TransactionRequest): Promise<Hex> {
  for (let race = 1; ; race += 1) {
    try {
      return await rpc<Hex>('eth_sendTransaction', [transaction]);
    } catch (error) {
      const isRace = error instanceof PaycrawlError && /underpriced|nonce/.test(error.detail);
      if (!isRace || race === nonceRacesMax) throw error;
    }
  }
}

async function account(rpc: DevnetRpc, index: number): Promise<Address> {
  const found = (await rpc<Address[]>('eth_accounts'))[index];
  if (found === undefined) throw fail('devnet_failed', 'The devnet has too few accounts.');
  return found;
}
