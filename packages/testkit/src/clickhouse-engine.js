// A worker thread with one connection to the chdb engine: what a statement of ClickHouse's HTTP
// interface means there. JavaScript, because a thread starts from a file that Node can run.
import { unlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { Session } from 'chdb';

/**
 * @typedef {object} Statement
 * @property {number} id
 * @property {string} sql
 * @property {Uint8Array | undefined} data what an INSERT of some FORMAT brings
 * @property {Record<string, string>} parameters as they stand in the URL: escaped text
 * @property {Record<string, string>} settings
 * @property {string} database
 * @property {string} format
 */

/**
 * @typedef {{ kind: 'done', text: string, rows: number }
 *   | { kind: 'failed', message: string, engineCode: number }} Outcome
 */

const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort);
const require = createRequire(import.meta.url);
// The public functions escape parameters that came escaped already.
const native = require(join(dirname(require.resolve('chdb')), 'dist', 'loader.js')).loadNative();
const session = new Session(workerData.directory);
session.query('SET schema_inference_use_cache_for_file = 0');
/** Settings of earlier requests; each request has its own. @type {Set<string>} */
const changed = new Set();
let database = '';

/** @param {string} value */
const quoted = (value) => `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

/** @param {Statement} statement */
function prepare({ settings, database: wanted }) {
  if (database !== wanted) {
    session.query(`USE ${wanted}`);
    database = wanted;
  }
  const gone = [...changed].filter((name) => !(name in settings));
  const clauses = [
    ...gone.map((name) => `${name} = DEFAULT`),
    ...Object.entries(settings).map(([name, value]) => `${name} = ${quoted(value)}`),
  ];
  for (const name of gone) changed.delete(name);
  for (const name of Object.keys(settings)) changed.add(name);
  if (clauses.length > 0) session.query(`SET ${clauses.join(', ')}`);
}

const binary = /FORMAT Native\s*$/;

/** @param {Statement} statement @returns {Promise<Outcome>} */
async function run(statement) {
  const { sql, data, parameters, format } = statement;
  const connection = Reflect.get(session, 'connection');
  prepare(statement);
  if (data !== undefined && binary.test(sql)) {
    // The binding takes text only.
    const file = join(workerData.directory, 'block.native');
    writeFileSync(file, data);
    try {
      session.query(sql.replace(binary, `SELECT * FROM file(${quoted(file)}, 'Native')`));
    } finally {
      unlinkSync(file);
    }
    return { kind: 'done', text: '', rows: 0 };
  }
  if (data !== undefined) {
    const { rowsWritten } = await native.InsertRawAsyncConnection(
      connection,
      `${sql}\n`,
      Buffer.from(data),
      true,
    );
    return { kind: 'done', text: '', rows: rowsWritten };
  }
  // Parameters of two connections at once mix up in the engine: only one thread gets any.
  const text =
    Object.keys(parameters).length === 0
      ? session.query(sql, format)
      : native.QueryWithParamsConnection(connection, sql, format, parameters);
  return { kind: 'done', text, rows: 0 };
}

/** @param {unknown} error @returns {Outcome} */
function failed(error) {
  const message = error instanceof Error ? error.message : String(error);
  const engineCode = Number(/Code: (\d+)/.exec(message)?.[1] ?? 1002);
  return { kind: 'failed', message, engineCode };
}

let last = Promise.resolve();
port.on('message', (/** @type {Statement | 'close'} */ message) => {
  last = last.then(async () => {
    if (message === 'close') {
      session.close();
      port.close();
      return;
    }
    const outcome = await run(message).catch(failed);
    port.postMessage({ id: message.id, outcome });
  });
});
port.postMessage({ id: 0, outcome: { kind: 'done', text: '', rows: 0 } });
