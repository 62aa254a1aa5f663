import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { fail } from '@paycrawl/errors/paycrawl-error';

/** What a server does to the statements that reach it; `times`: so often, then no more. */
export type ClickHouseFault =
  | { readonly kind: 'none' }
  /** HTTP 500 without ClickHouse's exception code, and nothing was done. */
  | ({ readonly kind: 'fail_before' } & FaultFilter)
  /** HTTP 500 after the statement took effect. */
  | ({ readonly kind: 'fail_after_apply' } & FaultFilter)
  /** The connection ends after the statement took effect. */
  | ({ readonly kind: 'cut_after_apply' } & FaultFilter)
  /** Connections are taken and nothing is ever answered; with `isApplied`, the work is done. */
  | { readonly kind: 'hang'; readonly isApplied?: boolean }
  /** The answer comes this much later. */
  | ({ readonly kind: 'slow'; readonly delayMs: number } & FaultFilter);

interface FaultFilter {
  readonly times?: number;
  readonly insertsOnly?: boolean;
  /** Statements that name this. */
  readonly table?: string;
}

export interface ClickHouseServerOptions {
  readonly directory: string;
  /** 0 or left out: any free one. */
  readonly port?: number;
  readonly username?: string;
  readonly password?: string;
}

/** chdb, ClickHouse's engine, behind ClickHouse's HTTP interface, as a process of its own. */
export interface ClickHouseServer {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  setFault(fault: ClickHouseFault): Promise<void>;
  /** Since its start: requests, inserts among them, and how many met a fault. */
  counts(): Promise<{ requests: number; inserts: number; faults: number }>;
  /** SIGKILL, in the middle of whatever it does; resolves when it is gone. */
  kill9(): Promise<void>;
  /** The same data and port again, after `kill9`; no fault is set then. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

interface Running {
  readonly child: ChildProcess;
  readonly port: number;
  readonly adminPort: number;
}

const program = fileURLToPath(new URL('./clickhouse-server-main.js', import.meta.url));
const startTimeoutMs = 60_000;

export async function startClickHouseServer(
  options: ClickHouseServerOptions,
): Promise<ClickHouseServer> {
  let running = await launch(options, options.port ?? 0);
  const { port } = running;
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const { child } = running;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  };
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    get pid() {
      return running.child.pid ?? 0;
    },
    setFault: async (fault) => void (await administer(running, fault)),
    counts: async () => (await administer(running)).counts,
    kill9: () => end('SIGKILL'),
    restart: async () => {
      await end('SIGKILL');
      running = await launch(options, port);
    },
    close: () => end('SIGTERM'),
  };
}

async function launch(options: ClickHouseServerOptions, port: number): Promise<Running> {
  const { directory, username, password } = options;
  const child = spawn(
    process.execPath,
    [
      ...[program, '--directory', directory, '--port', String(port)],
      ...(username === undefined ? [] : ['--username', username]),
      ...(password === undefined ? [] : ['--password', password]),
    ],
    { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] },
  );
  const line = await firstLine(child);
  // Its handle must not keep a test's process alive.
  child.unref();
  child.channel?.unref();
  return { child, ...(JSON.parse(line) as { port: number; adminPort: number }) };
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const refuse = (why: string) => () => {
      child.kill('SIGKILL');
      reject(fail('internal', `The ClickHouse server of the tests ${why}`));
    };
    const timer = setTimeout(refuse('does not start in time'), startTimeoutMs);
    const onExit = refuse('ended at its start');
    child.once('exit', onExit);
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).once('line', (line) => {
      clearTimeout(timer);
      child.off('exit', onExit);
      resolve(line);
    });
  });
}

interface Administered {
  readonly counts: { readonly requests: number; readonly inserts: number; readonly faults: number };
}

async function administer({ adminPort }: Running, fault?: ClickHouseFault): Promise<Administered> {
  const request = fault === undefined ? {} : { method: 'POST', body: JSON.stringify(fault) };
  const answer = await fetch(`http://127.0.0.1:${adminPort}/fault`, request);
  return (await answer.json()) as Administered;
}
