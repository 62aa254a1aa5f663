import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { open } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { fail } from '@paycrawl/errors/paycrawl-error';
import { eventually, openDevnetRpc } from './devnet-rpc.js';

export interface LaunchOptions {
  readonly directory: string;
  readonly port: number;
  readonly chainId: number;
}

export interface LaunchedNode {
  readonly pid: number;
  readonly port: number;
}

/** Another process may take a free port before the node does; then another one is tried. */
const launchAttemptsMax = 5;
/**
 * States kept in memory: enough for reads well below any finality depth. Each is a copy of all
 * storage, 64 bytes and more for each nonce ever used; without a bound the node would write every
 * block's state to disk, for ever. Where blocks come every second or two, the node keeps 1,500
 * whatever it is told: half an hour of settlement then takes more than 20 GB.
 */
const statesKept = 64;
const blockGasLimit = 60_000_000;

/** Starts a node that outlives this process, even when this one is killed. */
export async function launchAnvil(options: LaunchOptions): Promise<LaunchedNode> {
  for (let attempt = 1; ; attempt += 1) {
    const port = options.port === 0 ? await freePort() : options.port;
    const launched = await launchOnce({ ...options, port });
    if (launched !== undefined) return launched;
    if (options.port !== 0 || attempt === launchAttemptsMax) {
      throw fail('devnet_failed', `The devnet could not be started on port ${port}.`);
    }
  }
}

async function launchOnce(options: LaunchOptions): Promise<LaunchedNode | undefined> {
  const log = await open(join(options.directory, 'devnet.log'), 'a', 0o600);
  try {
    const child = spawn(anvilBinary(), anvilArguments(options), {
      detached: true,
      cwd: options.directory,
      stdio: ['ignore', log.fd, log.fd],
    });
    let isGone = false;
    child.once('exit', () => {
      isGone = true;
    });
    child.once('error', () => {
      isGone = true;
    });
    child.unref();
    const rpc = openDevnetRpc(`http://127.0.0.1:${options.port}`);
    const outcome = await eventually('the devnet to answer', async () => {
      if (isGone) return 'gone';
      return rpc('eth_chainId').then(
        () => 'answers',
        () => undefined,
      );
    });
    // The port may be answered by somebody else while our node failed to bind it.
    const mined = outcome === 'answers' ? await rpc<string>('eth_blockNumber') : undefined;
    if (isGone || mined !== '0x0' || child.pid === undefined) return undefined;
    return { pid: child.pid, port: options.port };
  } finally {
    await log.close();
  }
}

function anvilArguments({ port, chainId }: LaunchOptions): readonly string[] {
  // Two devnets begun in one second would have one genesis; the gas limit is part of its hash.
  const gasLimit = blockGasLimit + randomInt(1_000_000);
  return [
    ...['--host', '127.0.0.1', '--port', String(port), '--chain-id', String(chainId)],
    ...['--no-mining', '--hardfork', 'prague', '--gas-limit', String(gasLimit)],
    ...['--prune-history', String(statesKept), '--balance', '1000000', '--quiet'],
  ];
}

/** The binary itself, not the package's JavaScript wrapper: its pid is the node's pid. */
function anvilBinary(): string {
  const wrapper = createRequire(import.meta.url).resolve('@foundry-rs/anvil/package.json');
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const name = `@foundry-rs/anvil-${process.platform}-${architecture}`;
  const platformPackage = createRequire(wrapper).resolve(`${name}/package.json`);
  return join(dirname(platformPackage), 'bin', 'anvil');
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process with that number is alive, and not ours.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

export async function stopProcess(pid: number): Promise<void> {
  if (!isAlive(pid)) return;
  process.kill(pid, 'SIGKILL');
  await eventually('the devnet to end', async () => (isAlive(pid) ? undefined : true));
}
