import { type ChildProcess, fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fail } from '@paycrawl/errors/paycrawl-error';
import { processEnvironment } from '@paycrawl/service-kit/config';
import { startDevnet } from '@paycrawl/testkit/devnet';
import { newWallet } from '@paycrawl/testkit/devnet-actions';
import { usdcName, usdcVersion } from '@paycrawl/testkit/devnet-contracts';
import type { Payer } from '../payload/sign-proofs.js';
import { peersFolder } from './install-peers.js';

/** Resource server and facilitator of x402, each a process, on a devnet of their own. */
export interface ReferenceStack {
  readonly server: string;
  readonly facilitator: string;
  readonly payTo: string;
  readonly chain: {
    readonly rpc: string;
    readonly network: string;
    readonly asset: string;
    readonly name: string;
    readonly version: string;
  };
  close(): Promise<void>;
}

export interface ReferenceOptions {
  readonly payers: readonly Payer[];
  /** viem's nonceManager on the facilitator's wallet, which the examples do not set. */
  readonly hasNonceManager: boolean;
}

const readyTimeoutMs = 60_000;
const fundsAtomic = 100_000_000n;

/**
 * The same chain as ours, but each transaction is mined at once: the reference settles before it
 * answers, and with a block every second it would serve one page a second.
 */
export async function startReferenceStack(options: ReferenceOptions): Promise<ReferenceStack> {
  const directory = await mkdtemp(join(tmpdir(), 'paycrawl-peers-'));
  const closes: (() => unknown)[] = [() => rm(directory, { recursive: true, force: true })];
  const close = async () => {
    for (const one of closes.splice(0).reverse()) await one();
  };
  try {
    const devnet = await startDevnet({ directory, blockTimeS: 0 });
    closes.push(() => devnet.stop());
    await devnet.setAutomine(true);
    const [wallet, payee] = [newWallet(), newWallet()];
    await devnet.setEth(wallet.address, 10n ** 20n);
    const addresses = options.payers.map(({ address }) => address as `0x${string}`);
    await devnet.mintUsdcToMany(addresses, fundsAtomic);
    const start = async (program: string, environment: Record<string, string>) => {
      const child = launch(program, environment);
      closes.push(() => ended(child));
      return `http://127.0.0.1:${await portOf(child)}`;
    };
    const facilitator = await start('reference-facilitator.mjs', {
      RPC_URL: devnet.rpcUrl,
      PRIVATE_KEY: wallet.privateKey,
      NONCE_MANAGER: options.hasNonceManager ? '1' : '0',
    });
    const settings = { FACILITATOR_URL: facilitator, PAY_TO: payee.address };
    const server = await start('reference-server.mjs', settings);
    const chain = {
      ...{ rpc: devnet.rpcUrl, network: `eip155:${devnet.chainId}`, asset: devnet.usdc },
      ...{ name: usdcName, version: usdcVersion },
    };
    return { server, facilitator, payTo: payee.address, chain, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function launch(program: string, environment: Readonly<Record<string, string>>): ChildProcess {
  return fork(join(peersFolder, program), {
    env: { ...processEnvironment(), NODE_ENV: 'production', ...environment },
    // The test runner's own flags are not for it, and it logs each failure with its stack.
    execArgv: [],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
}

function portOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(fail('bench_failed', 'a peer is late')), readyTimeoutMs);
    child.once('message', (port) => {
      clearTimeout(late);
      resolve(port as number);
    });
    child.once('exit', (code) => {
      clearTimeout(late);
      reject(fail('bench_failed', `a peer ended with ${code}`));
    });
  });
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}
