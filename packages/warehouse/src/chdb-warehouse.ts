import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import { fail } from '@paycrawl/errors/paycrawl-error';
import type { WorkerCommand, WorkerReply, WorkerRequest, WorkerSetup } from './chdb-messages.js';
import { engineFailure } from './engine-failure.js';
import { checkBlock, rowsOf } from './json-rows.js';
import { pinEngine } from './pin-engine.js';
import { type Block, type Parameters, pinnedSettings, type Warehouse } from './warehouse.js';

/**
 * The ClickHouse engine inside this process, on threads of its own. The engine allows one data
 * folder per process and one process per data folder.
 */
export interface ChdbOptions {
  readonly directory: string;
  /** Threads of the engine per question; the default leaves a core to everybody else. */
  readonly threadsMax?: number;
}

const statementMemoryBytesMax = 1_500_000_000;

interface EngineThread {
  call(command: WorkerCommand): Promise<string>;
  close(): Promise<void>;
}

interface Pending {
  readonly resolve: (text: string) => void;
  readonly reject: (error: unknown) => void;
}

/** The folder that this thread has open; the engine would mix two up. */
let folderOpen: string | undefined;

export async function openChdbWarehouse(options: ChdbOptions): Promise<Warehouse> {
  const directory = resolve(options.directory);
  if (folderOpen !== undefined) {
    throw fail('warehouse_locked', `This process has the warehouse ${folderOpen} open already`);
  }
  folderOpen = directory;
  try {
    pinEngine();
    mkdirSync(directory, { recursive: true });
    // A block is one stream: more threads would only hand it to each other, a third of its cost.
    const writer = await startThread(setupOf(directory, 1));
    writeFileSync(lockFile(directory), String(process.pid), { mode: 0o600 });
    return warehouseOn(writer, setupOf(directory, options.threadsMax ?? 2));
  } catch (error) {
    folderOpen = undefined;
    throw openFailure(error, directory);
  }
}

function warehouseOn(writer: EngineThread, readerSetup: WorkerSetup): Warehouse {
  // Reads have a thread of their own, so that a slow chart never delays the projection.
  let reader: Promise<EngineThread> | undefined;
  let isClosed = false;
  return {
    insert: (block) => insertBlock(writer, block),
    query: async <Row>(sql: string, parameters: Parameters = {}) => {
      if (isClosed) throw fail('warehouse_unavailable', 'The warehouse is closed');
      reader ??= startThread(readerSetup);
      return rowsOf<Row>(await (await reader).call({ do: 'query', sql, parameters }));
    },
    exec: async (sql) => {
      await writer.call({ do: 'query', sql, parameters: {} });
    },
    close: async () => {
      isClosed = true;
      await (await reader)?.close();
      await writer.close();
      rmSync(lockFile(readerSetup.directory), { force: true });
      folderOpen = undefined;
    },
  };
}

async function insertBlock(writer: EngineThread, all: Block): Promise<void> {
  const { table, columns, rows } = all;
  if (rows.count === 0) return;
  checkBlock(all);
  const block =
    'native' in rows
      ? ({ format: 'Native', payload: rows.native } as const)
      : ({ format: 'JSONCompactEachRow', payload: rows.json } as const);
  await writer.call({ do: 'insert', table, columns, ...block });
}

function setupOf(directory: string, threadsMax: number): WorkerSetup {
  const settings = {
    ...pinnedSettings,
    max_threads: threadsMax,
    // Of one statement. The engine's own limit for all counts the whole process, mapped files of
    // the log included, and would fail for nothing.
    max_memory_usage: statementMemoryBytesMax,
  };
  const connectionArgs = Object.entries(settings).map(([name, value]) => `--${name}=${value}`);
  return { directory, connectionArgs };
}

async function startThread(setup: WorkerSetup): Promise<EngineThread> {
  const worker = new Worker(new URL('./chdb-worker.js', import.meta.url), { workerData: setup });
  const pending = new Map<number, Pending>();
  let ended: unknown;
  const end = (cause: unknown) => {
    ended ??= fail('warehouse_unavailable', 'The warehouse engine has stopped', { cause });
    for (const { reject } of pending.values()) reject(ended);
    pending.clear();
  };
  worker.on('error', end);
  worker.on('exit', (exitCode) => end({ exitCode }));
  worker.on('message', (reply: WorkerReply) => settle(pending, reply));
  const call = (id: number, send: () => void) =>
    new Promise<string>((resolve, reject) => {
      if (ended !== undefined) return reject(ended);
      pending.set(id, { resolve, reject });
      send();
    });
  let idLast = 0;
  const thread = {
    call: (command: WorkerCommand) => {
      idLast += 1;
      const request: WorkerRequest = { ...command, id: idLast };
      return call(idLast, () => worker.postMessage(request));
    },
    close: async () => {
      const exited = new Promise((resolve) => worker.once('exit', resolve));
      if (ended === undefined) {
        await thread.call({ do: 'close' });
        await exited;
      }
    },
  };
  await call(0, () => undefined);
  return thread;
}

function settle(pending: Map<number, Pending>, reply: WorkerReply): void {
  const waiting = pending.get(reply.id);
  pending.delete(reply.id);
  if (reply.outcome === 'done') waiting?.resolve(reply.text);
  else waiting?.reject(engineFailure(reply.message, reply.engineCode));
}

const lockFile = (directory: string) => join(directory, 'paycrawl.pid');

/** The engine's lock on the folder is the kernel's and never stale; our file only names who. */
function openFailure(error: unknown, directory: string): Error {
  const owner = ownerOf(directory);
  if (owner !== undefined) {
    const detail = `Process ${owner} has the warehouse ${directory} open`;
    return fail('warehouse_locked', detail, { cause: error });
  }
  return fail('warehouse_unavailable', `The warehouse ${directory} cannot be opened`, {
    cause: error,
  });
}

function ownerOf(directory: string): number | undefined {
  try {
    const pid = Number(readFileSync(lockFile(directory), 'utf8'));
    process.kill(pid, 0);
    return pid === process.pid ? undefined : pid;
  } catch {
    return undefined;
  }
}
