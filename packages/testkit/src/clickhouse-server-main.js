// The chdb engine, which is ClickHouse's, behind ClickHouse's HTTP interface, as a process of its
// own: where no server can be installed, tests have one nevertheless. Also for people:
//   node packages/testkit/dist/clickhouse-server-main.js --directory DIR --port 8123
// Faults are switched by POST /fault on the other port, which the first line of output names.
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { gzipSync } from 'node:zlib';
import { Refusal, readRequest } from './clickhouse-request.js';

/** @typedef {import('./clickhouse-server.js').ClickHouseFault} Fault */
/** @typedef {import('./clickhouse-engine.js').Outcome} Outcome */
/** @typedef {import('./clickhouse-engine.js').Statement} Statement */
/** @typedef {import('node:http').IncomingMessage} IncomingMessage */
/** @typedef {import('node:http').ServerResponse} ServerResponse */

const text = /** @type {const} */ ({ type: 'string' });
const { values: args } = parseArgs({
  options: { directory: text, port: text, username: text, password: text },
});
const directory = args.directory ?? '';
const username = args.username ?? 'default';
const password = args.password ?? '';
const bodyBytesMax = 256 * 1024 * 1024;

/** @type {Fault} */
let fault = { kind: 'none' };
/** Requests that a fault holds back. @type {Set<ServerResponse>} */
const hanging = new Set();
const counts = { requests: 0, inserts: 0, faults: 0 };

mkdirSync(directory, { recursive: true });
const writer = await startEngine();
const reader = await startEngine();

/** @returns {Promise<(statement: Omit<Statement, 'id'>) => Promise<Outcome>>} */
async function startEngine() {
  const worker = new Worker(new URL('./clickhouse-engine.js', import.meta.url), {
    workerData: { directory },
  });
  /** @type {Map<number, (outcome: Outcome) => void>} */
  const pending = new Map();
  worker.on('message', (/** @type {{ id: number, outcome: Outcome }} */ { id, outcome }) => {
    pending.get(id)?.(outcome);
    pending.delete(id);
  });
  worker.on('error', (error) => {
    process.stderr.write(`the engine ended: ${String(error)}\n`);
    process.exit(1);
  });
  await new Promise((resolve) => pending.set(0, resolve));
  let idLast = 0;
  return (statement) =>
    new Promise((resolve) => {
      idLast += 1;
      pending.set(idLast, resolve);
      worker.postMessage({ ...statement, id: idLast });
    });
}

/** @param {IncomingMessage} incoming @returns {Promise<Buffer>} */
async function bodyOf(incoming) {
  const chunks = [];
  let bytes = 0;
  for await (const chunk of incoming) {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) throw new Refusal(241, 'MEMORY_LIMIT_EXCEEDED', 'Body too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** @param {IncomingMessage} incoming */
function checkUser({ headers }) {
  const [scheme, basic] = (headers.authorization ?? '').split(' ');
  const given =
    scheme === 'Basic'
      ? Buffer.from(basic ?? '', 'base64').toString()
      : `${headers['x-clickhouse-user'] ?? 'default'}:${headers['x-clickhouse-key'] ?? ''}`;
  if (given === `${username}:${password}`) return;
  throw new Refusal(516, 'AUTHENTICATION_FAILED', 'default: Authentication failed');
}

/** @param {IncomingMessage} incoming @param {ServerResponse} outgoing */
async function serve(incoming, outgoing) {
  const { pathname } = new URL(incoming.url ?? '/', 'http://localhost');
  counts.requests += 1;
  if (fault.kind === 'hang' && !fault.isApplied) return hold(outgoing);
  if (pathname === '/ping') return void outgoing.end('Ok.\n');
  if (pathname !== '/') return void outgoing.writeHead(404).end('There is no handle\n');
  const raw = await bodyOf(incoming);
  checkUser(incoming);
  const request = readRequest(incoming, raw);
  if (request.isInsert) counts.inserts += 1;
  const stumble = take(request);
  if (stumble.kind === 'fail_before') return wrong(outgoing);
  const { sql, data, parameters, settings, database, format } = request;
  const engine = request.isQuestion ? reader : writer;
  const outcome = await engine({ sql, data, parameters, settings, database, format });
  if (stumble.kind === 'slow') {
    await new Promise((resolve) => setTimeout(resolve, stumble.delayMs));
  }
  if (stumble.kind === 'hang') return hold(outgoing);
  if (stumble.kind === 'cut_after_apply') return void outgoing.destroy();
  if (stumble.kind === 'fail_after_apply') return wrong(outgoing);
  answer(outgoing, request, outcome);
}

/** The fault that this request meets. @param {{ isInsert: boolean, sql: string }} request */
function take(request) {
  if (fault.kind === 'none') return fault;
  if ('insertsOnly' in fault && fault.insertsOnly && !request.isInsert) return NONE;
  if ('table' in fault && fault.table && !request.sql.includes(fault.table)) return NONE;
  const met = fault;
  counts.faults += 1;
  if ('times' in fault && fault.times !== undefined) {
    fault = fault.times > 1 ? { ...fault, times: fault.times - 1 } : NONE;
  }
  return met;
}
/** @type {Fault} */
const NONE = { kind: 'none' };

/** @param {ServerResponse} outgoing */
function hold(outgoing) {
  hanging.add(outgoing);
  outgoing.once('close', () => hanging.delete(outgoing));
}

/** What a proxy says whose server went away. @param {ServerResponse} outgoing */
function wrong(outgoing) {
  outgoing.writeHead(500, { 'content-type': 'text/plain' }).end('Internal Server Error\n');
}

/** @param {ServerResponse} outgoing @param {import('./clickhouse-request.js').Request} request
 * @param {Outcome} outcome */
function answer(outgoing, request, outcome) {
  if (outcome.kind === 'failed') return refuse(outgoing, outcome.engineCode, outcome.message);
  outgoing.setHeader('X-ClickHouse-Query-Id', request.queryId);
  outgoing.setHeader('X-ClickHouse-Format', request.format);
  outgoing.setHeader('X-ClickHouse-Timezone', 'UTC');
  const summary = { read_rows: '0', read_bytes: '0', written_rows: String(outcome.rows) };
  outgoing.setHeader('X-ClickHouse-Summary', JSON.stringify(summary));
  outgoing.setHeader('Content-Type', 'text/plain; charset=UTF-8');
  if (!request.isCompressed) return void outgoing.end(outcome.text);
  outgoing.setHeader('Content-Encoding', 'gzip');
  outgoing.end(gzipSync(outcome.text));
}

/** @param {ServerResponse} outgoing @param {number} engineCode @param {string} message */
function refuse(outgoing, engineCode, message) {
  const statuses = new Map(
    [
      ...[
        [60, 404],
        [81, 404],
        [164, 500],
        [202, 503],
        [516, 403],
        [159, 408],
        [241, 500],
      ],
    ].map(([code, status]) => /** @type {const} */ ([code, status])),
  );
  outgoing.writeHead(statuses.get(engineCode) ?? 400, {
    'X-ClickHouse-Exception-Code': String(engineCode),
    'content-type': 'text/plain; charset=UTF-8',
  });
  outgoing.end(`${message} (version 26.7.2.1)\n`);
}

const server = createServer({ maxHeaderSize: 1024 * 1024 }, (incoming, outgoing) => {
  serve(incoming, outgoing).catch((error) => {
    if (error instanceof Refusal) return refuse(outgoing, error.engineCode, error.message);
    refuse(outgoing, 1000, `Code: 1000. DB::Exception: ${String(error)}. (POCO_EXCEPTION)`);
  });
});
// As the real one: idle connections are closed after some seconds.
server.keepAliveTimeout = 10_000;

const admin = createServer(async (incoming, outgoing) => {
  if (incoming.method === 'POST') {
    fault = JSON.parse((await bodyOf(incoming)).toString());
    // Whoever was held learns nothing but that the connection is gone.
    if (fault.kind === 'none') for (const held of hanging) held.destroy();
  }
  outgoing.setHeader('content-type', 'application/json');
  outgoing.end(JSON.stringify({ fault, counts }));
});

/** @param {import('node:http').Server} listener @param {number} port @returns {Promise<number>} */
const listen = (listener, port) =>
  new Promise((resolve, reject) => {
    listener.once('error', reject);
    listener.listen(port, '127.0.0.1', () => {
      const address = listener.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });

const port = await listen(server, Number(args.port ?? 0));
const adminPort = await listen(admin, 0);
process.stdout.write(`${JSON.stringify({ port, adminPort, pid: process.pid })}\n`);
// An orderly exit waits for threads of the engine, which sometimes wait for each other for ever;
// what it has acknowledged survives this.
const end = () => process.kill(process.pid, 'SIGKILL');
process.once('SIGTERM', end);
// A child must not outlive the test that forgot it.
if (process.connected) process.once('disconnect', end);
