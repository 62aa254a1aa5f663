import { Readable } from 'node:stream';
import {
  type ClickHouseClient,
  ClickHouseError,
  ClickHouseLogLevel,
  createClient,
} from '@clickhouse/client';
import { fail, hasCode, PaycrawlError } from '@paycrawl/errors/paycrawl-error';
import { engineFailure } from './engine-failure.js';
import { checkBlock, rowsOf } from './json-rows.js';
import { createLane, type Lane } from './lane.js';
import { type Block, type Parameters, pinnedSettings, type Warehouse } from './warehouse.js';

/** A ClickHouse server over HTTP(S). */
export interface ClickHouseOptions {
  /** `http://host:8123`; a path is what a proxy in front of the server wants, never a database. */
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
  /** Created where it is missing. */
  readonly database: string;
  /** How long opening waits for a server that is away; 0 asks once. */
  readonly openTimeoutMs?: number;
  /** A question, its turn included; the server stops working on it then, too. */
  readonly queryTimeoutMs?: number;
  /** An insert or DDL, its turn included. What the server makes of it afterwards is unknown. */
  readonly writeTimeoutMs?: number;
  /** Questions at once; writes have connections of their own, so that charts never delay them. */
  readonly queriesMax?: number;
  /** Statements that wait for their turn; more are refused at once. */
  readonly waitingMax?: number;
  /** gzip of blocks; costs a core more than a fast network does. */
  readonly isCompressed?: boolean;
}

const defaults = {
  username: 'default',
  password: '',
  openTimeoutMs: 30_000,
  queryTimeoutMs: 10_000,
  writeTimeoutMs: 30_000,
  queriesMax: 8,
  waitingMax: 256,
  isCompressed: false,
};
type Settled = ClickHouseOptions & typeof defaults;

const writesMax = 2;
const openRetryDelayMs = 250;
/**
 * Servers before 23.11 close idle connections after 3 s: whoever keeps one longer sends into a
 * closed one. Later servers wait 10 s.
 */
const idleSocketMs = 2_500;

interface Connection {
  readonly client: ClickHouseClient;
  readonly options: Settled;
  readonly reads: Lane;
  readonly writes: Lane;
}

export async function openClickHouseWarehouse(options: ClickHouseOptions): Promise<Warehouse> {
  const settled: Settled = { ...defaults, ...options };
  // It becomes part of a statement and of every request.
  if (!/^[A-Za-z_]\w{0,63}$/.test(settled.database)) {
    throw fail('config_invalid', 'The database is named by letters, digits and underscores');
  }
  await createDatabase(settled);
  const { waitingMax } = settled;
  const connection: Connection = {
    client: connect(settled, settled.database),
    options: settled,
    reads: createLane({ atOnceMax: settled.queriesMax, waitingMax }),
    writes: createLane({ atOnceMax: writesMax, waitingMax }),
  };
  return warehouseOn(connection);
}

function warehouseOn(connection: Connection): Warehouse {
  const { client, reads, writes } = connection;
  let isClosed = false;
  const open = async <T>(run: () => Promise<T>): Promise<T> => {
    if (isClosed) throw fail('warehouse_unavailable', 'The warehouse is closed');
    return run();
  };
  return {
    insert: (block) => open(() => insertBlock(connection, block)),
    query: <Row>(sql: string, parameters: Parameters = {}) =>
      open(async () => rowsOf<Row>(await ask(connection, sql, parameters))),
    exec: (sql) => open(() => command(connection, sql)),
    close: async () => {
      if (isClosed) return;
      isClosed = true;
      // What runs ends within its deadline.
      await Promise.all([reads.idle(), writes.idle()]);
      await client.close();
    },
  };
}

function connect(options: Settled, database: string): ClickHouseClient {
  const { url, username, password, queryTimeoutMs, writeTimeoutMs, queriesMax } = options;
  try {
    const { origin, pathname, username: user, search } = new URL(url);
    if (user !== '' || search !== '')
      throw fail('config_invalid', 'The URL holds more than a place');
    return createClient({
      ...{ url: origin, pathname, username, password, database },
      // Blocks are text already; the client would take them apart only to write them again.
      json: { parse: JSON.parse, stringify: String },
      // The client counts silence on a socket only; our own deadlines count everything.
      request_timeout: Math.max(queryTimeoutMs, writeTimeoutMs) + 1_000,
      // The client's queue for a socket has neither bound nor deadline: our lanes are before it.
      max_open_connections: queriesMax + writesMax,
      keep_alive: { idle_socket_ttl: idleSocketMs, eagerly_destroy_stale_sockets: true },
      compression: { request: options.isCompressed, response: options.isCompressed },
      // Otherwise a long list of parameters becomes an address that no server takes.
      use_multipart_params_auto: true,
      // It would write to the console, statements included.
      log: { level: ClickHouseLogLevel.OFF },
      clickhouse_settings: {
        ...pinnedSettings,
        // Without it a failure after the first bytes arrives as 200 with rubbish in the body.
        wait_end_of_query: 1,
        cancel_http_readonly_queries_on_client_close: 1,
      },
    });
  } catch (error) {
    if (error instanceof PaycrawlError) throw error;
    throw fail('config_invalid', 'The address of ClickHouse is wrong', { cause: error });
  }
}

async function createDatabase(options: Settled): Promise<void> {
  const { database, openTimeoutMs, writeTimeoutMs } = options;
  const client = connect(options, 'default');
  const query = `CREATE DATABASE IF NOT EXISTS ${database}`;
  const untilMs = performance.now() + openTimeoutMs;
  try {
    for (;;) {
      try {
        return await withDeadline(writeTimeoutMs, async (signal) => {
          await client.command({ query, abort_signal: signal });
        });
      } catch (error) {
        if (!hasCode(error, 'warehouse_unavailable') || performance.now() >= untilMs) throw error;
        await new Promise((resolve) => setTimeout(resolve, openRetryDelayMs));
      }
    }
  } finally {
    await client.close();
  }
}

function insertBlock({ client, options, writes }: Connection, block: Block): Promise<void> {
  const { table, columns, rows } = block;
  const [first, ...rest] = columns;
  if (rows.count === 0 || first === undefined) return Promise.resolve();
  return withDeadline(options.writeTimeoutMs, (signal) =>
    writes.run(signal, async () => {
      checkBlock(block);
      if ('native' in rows) return insertNative(client, block, rows.native, signal);
      await client.insert({
        ...{ table, columns: [first, ...rest], format: 'JSONCompactEachRow' },
        values: [rows.json.toString()],
        abort_signal: signal,
      });
    }),
  );
}

/** The client's `insert` knows formats of text only. */
async function insertNative(
  client: ClickHouseClient,
  { table, columns }: Block,
  native: Buffer,
  signal: AbortSignal,
): Promise<void> {
  const { stream } = await client.exec({
    query: `INSERT INTO ${table} (${columns.join(', ')}) FORMAT Native`,
    values: Readable.from([native]),
    abort_signal: signal,
  });
  // Empty; unread, it would keep its connection.
  for await (const _ of stream);
}

function command({ client, options, writes }: Connection, query: string): Promise<void> {
  return withDeadline(options.writeTimeoutMs, (signal) =>
    writes.run(signal, async () => void (await client.command({ query, abort_signal: signal }))),
  );
}

function ask({ client, options, reads }: Connection, query: string, values: Parameters) {
  const { queryTimeoutMs } = options;
  const once = async (signal: AbortSignal): Promise<string> => {
    const answer = await client.query({
      ...{ query, query_params: { ...values }, format: 'JSONEachRow', abort_signal: signal },
      // Nobody waits for it any longer then.
      clickhouse_settings: { max_execution_time: Math.ceil(queryTimeoutMs / 1000) },
    });
    return answer.text();
  };
  return withDeadline(queryTimeoutMs, (signal) =>
    reads.run(signal, () =>
      // A server that was restarted resets what the pool kept; a question may be asked twice.
      once(signal).catch((error: unknown) => {
        if (!isReset(error) || signal.aborted) throw error;
        return once(signal);
      }),
    ),
  );
}

function isReset(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ECONNRESET' || code === 'EPIPE';
}

/** The client may hang in connecting, in its queue, or between two chunks of an answer. */
async function withDeadline<T>(
  timeoutMs: number,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(fail('warehouse_unavailable', `The warehouse did not answer in ${timeoutMs} ms`));
      controller.abort();
    }, timeoutMs);
  });
  try {
    return await Promise.race([run(controller.signal), late]);
  } catch (error) {
    throw failureOf(error);
  } finally {
    clearTimeout(timer);
  }
}

function failureOf(error: unknown): unknown {
  // A TypeError is a defect of ours that no repetition heals.
  if (error instanceof PaycrawlError || error instanceof TypeError) return error;
  if (error instanceof ClickHouseError) {
    return engineFailure(error.message, Number.parseInt(error.code, 10));
  }
  // No answer, or one that is not ClickHouse's: a proxy, a crash, a wrong 500. It may have done it.
  return fail('warehouse_unavailable', 'The warehouse did not answer', { cause: error });
}
