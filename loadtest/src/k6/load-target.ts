import { existsSync, readFileSync } from 'node:fs';
import { fail } from '@paycrawl/errors/paycrawl-error';
import type { RunFile } from '@paycrawl/standalone/run-file';
import { openDevnet } from '@paycrawl/testkit/devnet-actions';
import { openDevnetRpc } from '@paycrawl/testkit/devnet-rpc';
import { type ProofFile, payersOf } from '../payload/proof-file.js';
import type { Payer } from '../payload/sign-proofs.js';

/** A page of the demo site, a usual one. */
const demoPage = '/articles/serverless.html';
/** Ten USDC: ten thousand pages at a tenth of a cent. */
const fundsAtomic = 10_000_000n;
/** Above the depth at which verifier and settlement read. */
const blocksToFinality = 8;

export interface TargetOptions {
  readonly runFile: string;
  /** A priced page; absent: one of the platform of the run file. */
  readonly url?: string | undefined;
  readonly facilitator?: string | undefined;
  /** JSON: `[{"address", "privateKey"}]` of funded accounts; absent: from the seed. */
  readonly wallets?: string | undefined;
  readonly seed: string;
  readonly payers: number;
}

/** Whom the load is for, and who pays. */
export interface LoadTarget {
  readonly url: string;
  readonly facilitator: string | undefined;
  readonly payers: ProofFile['payers'];
  /** Money for them all, where that is ours to give. */
  readonly devnetRpc: string | undefined;
}

export function loadTargetOf(options: TargetOptions): LoadTarget {
  const { runFile, seed, payers: count, wallets } = options;
  const run = existsSync(runFile) ? readJson<RunFile>(runFile) : undefined;
  const url = options.url ?? (run === undefined ? undefined : `${run.ingress}${demoPage}`);
  if (url === undefined) {
    throw fail('config_invalid', `no platform runs (${runFile}): start one, or give --url`);
  }
  if (wallets !== undefined) {
    const payers = readJson<readonly Payer[]>(wallets).slice(0, count);
    return { url, facilitator: options.facilitator, payers, devnetRpc: undefined };
  }
  // Keys of a seed are for everybody: no money of value belongs to them.
  return {
    url,
    facilitator: options.facilitator ?? run?.facilitator,
    payers: { seed, count },
    devnetRpc: run?.chain.rpc,
  };
}

/** Gives every payer USDC, if its chain is a devnet. */
export async function fundPayers({
  devnetRpc,
  payers,
}: Pick<LoadTarget, 'devnetRpc' | 'payers'>): Promise<void> {
  if (devnetRpc === undefined) return;
  const rpc = openDevnetRpc(devnetRpc);
  const isDevnet = await rpc('anvil_nodeInfo').then(
    () => true,
    () => false,
  );
  if (!isDevnet) throw fail('config_invalid', 'this is no devnet: give --wallets of funded payers');
  const devnet = openDevnet(rpc);
  const addresses = payersOf(payers).map(({ address }) => address as `0x${string}`);
  await devnet.mintUsdcToMany(addresses, fundsAtomic);
  await devnet.mine(blocksToFinality);
}

function readJson<Value>(path: string): Value {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Value;
  } catch (cause) {
    throw fail('config_invalid', `${path} cannot be read`, { cause });
  }
}
