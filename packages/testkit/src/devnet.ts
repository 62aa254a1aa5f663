import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { multicall3Address } from '@paycrawl/chain/multicall3';
import { fail } from '@paycrawl/errors/paycrawl-error';
import type { Address, Hex } from 'viem';
import { type DevnetHandle, openDevnet } from './devnet-actions.js';
import { deployContracts, usdcAddress } from './devnet-contracts.js';
import { isAlive, launchAnvil, stopProcess } from './devnet-process.js';
import { type DevnetRpc, openDevnetRpc } from './devnet-rpc.js';

/** The network that x402 clients know as Base Sepolia, `eip155:84532`. */
export const devnetChainId = 84532;

export interface DevnetOptions {
  /** Holds the record by which the devnet is found again, and its log. */
  readonly directory: string;
  /** 0 or absent: any free port. */
  readonly port?: number;
  /** Stop what the directory names and begin a new chain. */
  readonly fresh?: boolean;
  /** Seconds between blocks; 0 leaves mining to `mine`. */
  readonly blockTimeS?: number;
}

export interface DevnetRecord {
  readonly pid: number;
  readonly port: number;
  readonly chainId: number;
  readonly genesisHash: Hex;
}

/** A local EVM chain with USDC and Multicall3 at the addresses that everybody knows. */
export interface Devnet extends DevnetRecord, DevnetHandle {
  readonly rpcUrl: string;
  readonly usdc: Address;
  readonly multicall3: Address;
  /** Ends the node and forgets it; the chain is gone then. */
  stop(): Promise<void>;
}

export type DevnetSearch =
  | { readonly outcome: 'found'; readonly devnet: Devnet }
  /** The directory names no devnet. */
  | { readonly outcome: 'none' }
  /** It names one that is gone, or that is another chain now. */
  | { readonly outcome: 'lost'; readonly reason: string };

/**
 * Finds the directory's devnet or starts one. A devnet that was and is gone is an error, unless
 * `fresh`: what was built on its chain must not go on with another one.
 */
export async function startDevnet(options: DevnetOptions): Promise<Devnet> {
  const search = await findDevnet(options.directory);
  if (options.fresh === true) {
    if (search.outcome === 'found') await search.devnet.stop();
  } else {
    if (search.outcome === 'found') return search.devnet;
    if (search.outcome === 'lost') throw fail('devnet_lost', search.reason);
  }
  return launch(options);
}

export async function findDevnet(directory: string): Promise<DevnetSearch> {
  const record = await readRecord(directory);
  if (record === undefined) return { outcome: 'none' };
  if (!isAlive(record.pid)) return { outcome: 'lost', reason: 'The devnet is no longer running.' };
  const found = await identify(openDevnetRpc(urlOf(record.port)));
  if (found === undefined) return { outcome: 'lost', reason: 'The devnet does not answer.' };
  if (found.chainId !== record.chainId || found.genesisHash !== record.genesisHash) {
    return { outcome: 'lost', reason: 'Another chain answers at the address of the devnet.' };
  }
  return { outcome: 'found', devnet: devnetOf(directory, record) };
}

async function launch(options: DevnetOptions): Promise<Devnet> {
  const { directory, port = 0, blockTimeS = 1 } = options;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const node = await launchAnvil({ directory, port, chainId: devnetChainId });
  try {
    const rpc = openDevnetRpc(urlOf(node.port));
    await deployContracts(rpc, devnetChainId);
    if (blockTimeS > 0) await rpc('evm_setIntervalMining', [blockTimeS]);
    const identity = await identify(rpc);
    if (identity === undefined) throw fail('devnet_failed', 'The devnet stopped answering.');
    const record = { pid: node.pid, port: node.port, ...identity };
    await writeRecord(directory, record);
    return devnetOf(directory, record);
  } catch (error) {
    await stopProcess(node.pid);
    throw error;
  }
}

function devnetOf(directory: string, record: DevnetRecord): Devnet {
  const rpcUrl = urlOf(record.port);
  return {
    ...record,
    rpcUrl,
    usdc: usdcAddress,
    multicall3: multicall3Address,
    ...openDevnet(openDevnetRpc(rpcUrl)),
    stop: async () => {
      await stopProcess(record.pid);
      await rm(recordPath(directory), { force: true });
    },
  };
}

async function identify(
  rpc: DevnetRpc,
): Promise<{ chainId: number; genesisHash: Hex } | undefined> {
  try {
    const chainId = Number.parseInt(await rpc<Hex>('eth_chainId'), 16);
    const genesis = await rpc<{ hash: Hex }>('eth_getBlockByNumber', ['0x0', false]);
    return { chainId, genesisHash: genesis.hash };
  } catch {
    // Whatever answers there, it is not our node.
    return undefined;
  }
}

function urlOf(port: number): string {
  return `http://127.0.0.1:${port}`;
}

function recordPath(directory: string): string {
  return join(directory, 'devnet.json');
}

async function readRecord(directory: string): Promise<DevnetRecord | undefined> {
  try {
    return JSON.parse(await readFile(recordPath(directory), 'utf8')) as DevnetRecord;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw fail('devnet_failed', 'The record of the devnet cannot be read.', { cause: error });
  }
}

async function writeRecord(directory: string, record: DevnetRecord): Promise<void> {
  const path = recordPath(directory);
  await writeFile(`${path}.tmp`, `${JSON.stringify(record)}\n`, { mode: 0o600 });
  await rename(`${path}.tmp`, path);
}
