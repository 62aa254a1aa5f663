// The only file that loads the chdb engine. JavaScript, because a worker thread starts from a
// file that Node can run, in the sources (tests) as well as in the build.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { drainPending, Session } from 'chdb';

/** @typedef {import('./chdb-messages.js').WorkerRequest} WorkerRequest */
/** @typedef {import('./chdb-messages.js').WorkerReply} WorkerReply */
/** @typedef {Extract<import('./chdb-messages.js').WorkerCommand, { do: 'insert' }>} InsertCommand */

const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort);
const setup = /** @type {import('./chdb-messages.js').WorkerSetup} */ (workerData);

/** @param {WorkerReply} reply */
const reply = (reply) => port.postMessage(reply);

/** @param {number} id @param {unknown} error */
function replyFailed(id, error) {
  const engineCode = /** @type {{ clickhouseCode?: number }} */ (error)?.clickhouseCode;
  const message = error instanceof Error ? error.message : String(error);
  reply({ id, outcome: 'failed', message, engineCode });
}

/** @param {Session} session @param {WorkerRequest} request @returns {Promise<string>} */
async function answer(session, request) {
  switch (request.do) {
    case 'query':
      // Synchronous: this thread is its own, and libuv's pool stays free for files and DNS.
      return session.queryBind(request.sql, request.parameters, 'JSONEachRow');
    case 'insert': {
      const { table, columns, format, payload } = request;
      if (format === 'Native') return insertNative(session, request);
      await session.insert({ table, columns, values: payload, format });
      return '';
    }
    case 'close':
      session.close();
      await drainPending();
      rmSync(blockFile, { force: true });
      return '';
  }
}

const identifier = /^[A-Za-z_]\w*$/;

/** Written over and removed at the end: making a file and removing it costs more than its bytes. */
const blockFile = join(setup.directory, 'paycrawl-block.native');
const blockPlace = blockFile.replaceAll('\\', '\\\\').replaceAll("'", "\\'");

/**
 * The binding takes text only (bytes after the statement end at an empty line), so what is binary
 * goes by a file. Not by the table function `file`, which looks into it for its structure first.
 * @param {Session} session @param {InsertCommand} command
 */
function insertNative(session, { table, columns, payload }) {
  const names = [table, ...columns];
  if (!names.every((name) => identifier.test(name))) throw new Error(`Not names: ${names}`);
  writeFileSync(blockFile, payload);
  const into = `INSERT INTO ${table} (${columns.join(', ')})`;
  return session.queryBind(`${into} FROM INFILE '${blockPlace}' FORMAT Native`, {}, 'Null');
}

/** @param {Session} session @param {WorkerRequest} request */
async function handle(session, request) {
  try {
    reply({ id: request.id, outcome: 'done', text: await answer(session, request) });
  } catch (error) {
    replyFailed(request.id, error);
  }
  if (request.do === 'close') port.close();
}

// Message 0 tells how opening went.
try {
  const session = new Session(setup.directory, { connectionArgs: setup.connectionArgs });
  let last = Promise.resolve();
  port.on('message', (/** @type {WorkerRequest} */ request) => {
    // One at a time and in order; the engine would queue them on blocked threads otherwise.
    last = last.then(() => handle(session, request));
  });
  reply({ id: 0, outcome: 'done', text: '' });
} catch (error) {
  replyFailed(0, error);
}
