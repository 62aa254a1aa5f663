// ClickHouse's HTTP interface, the part that decides what a request means:
// https://clickhouse.com/docs/interfaces/http
import { gunzipSync } from 'node:zlib';

/**
 * @typedef {object} Request
 * @property {string} sql
 * @property {Buffer | undefined} data
 * @property {Record<string, string>} parameters
 * @property {Record<string, string>} settings
 * @property {string} database
 * @property {string} format
 * @property {string} queryId
 * @property {boolean} isCompressed the client wants gzip
 * @property {boolean} isInsert
 * @property {boolean} isQuestion
 */

/** Understood by the HTTP layer; everything else in the URL is a setting of the engine. */
const httpOnly = new Set([
  ...['query', 'database', 'default_format', 'query_id', 'session_id', 'session_timeout', 'role'],
  ...['session_check', 'user', 'password', 'quota_key', 'compress', 'decompress'],
  ...['wait_end_of_query', 'buffer_size', 'client_protocol_version', 'stacktrace'],
]);

/** A refusal by the HTTP layer itself, with ClickHouse's number. */
export class Refusal extends Error {
  /** @param {number} engineCode @param {string} name @param {string} message */
  constructor(engineCode, name, message) {
    super(`Code: ${engineCode}. DB::Exception: ${message}. (${name})`);
    this.engineCode = engineCode;
  }
}

/**
 * @param {import('node:http').IncomingMessage} incoming
 * @param {Buffer} raw
 * @returns {Request}
 */
export function readRequest(incoming, raw) {
  const url = new URL(incoming.url ?? '/', 'http://localhost');
  const body = incoming.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw;
  const multipart = /boundary=(.+)$/.exec(incoming.headers['content-type'] ?? '')?.[1];
  const fields = multipart === undefined ? {} : parts(body.toString(), multipart);
  const values = { ...Object.fromEntries(url.searchParams), ...fields };
  const bodyText = multipart === undefined ? body : Buffer.alloc(0);
  const { sql, data } = split(values.query ?? '', bodyText);
  if (hasSeveralStatements(sql)) {
    throw new Refusal(62, 'SYNTAX_ERROR', 'Syntax error (Multi-statements are not allowed)');
  }
  const isQuestion = /^\s*(SELECT|WITH|SHOW|DESCRIBE|DESC|EXISTS|EXPLAIN)\b/i.test(sql);
  if (incoming.method === 'GET' && !isQuestion) {
    throw new Refusal(164, 'READONLY', 'Cannot execute query in readonly mode over GET');
  }
  return {
    ...{ sql, data, isQuestion, isInsert: /^\s*INSERT\b/i.test(sql) },
    parameters: parametersOf(values),
    settings: settingsOf(values),
    database: values.database ?? String(incoming.headers['x-clickhouse-database'] ?? 'default'),
    format: values.default_format ?? 'TabSeparated',
    queryId: values.query_id ?? '',
    isCompressed:
      values.enable_http_compression === '1' &&
      /gzip/.test(String(incoming.headers['accept-encoding'])),
  };
}

/**
 * The statement is in the URL, in the body, or both (then the body is its data, or its end).
 * @param {string} inUrl @param {Buffer} body
 */
function split(inUrl, body) {
  if (inUrl === '') return splitInsert(body);
  if (/^\s*INSERT\b/i.test(inUrl)) return { sql: inUrl, data: body };
  return { sql: `${inUrl}\n${body.toString()}`, data: undefined };
}

/** Data may follow `FORMAT X` and a newline in the body itself. @param {Buffer} body */
function splitInsert(body) {
  const match = /^\s*INSERT INTO [^;]*? FORMAT (?!Values\b)\w+\s*\n/i.exec(body.toString());
  if (match === null) return { sql: body.toString(), data: undefined };
  return { sql: match[0].trim(), data: body.subarray(Buffer.byteLength(match[0])) };
}

/** @param {Record<string, string>} values */
function parametersOf(values) {
  const entries = Object.entries(values).filter(([name]) => name.startsWith('param_'));
  return Object.fromEntries(entries.map(([name, value]) => [name.slice('param_'.length), value]));
}

/** @param {Record<string, string>} values */
function settingsOf(values) {
  const entries = Object.entries(values);
  return Object.fromEntries(
    entries.filter(([name]) => !name.startsWith('param_') && !httpOnly.has(name)),
  );
}

/** @param {string} body @param {string} boundary @returns {Record<string, string>} */
function parts(body, boundary) {
  const found = body.split(`--${boundary}`).flatMap((part) => {
    const match = /name="([^"]*)"[^\n]*\r\n(?:[^\r\n]+\r\n)*\r\n([\s\S]*)\r\n$/.exec(part);
    return match === null ? [] : [[match[1], match[2]]];
  });
  return Object.fromEntries(found);
}

/** Something after a `;` that stands outside of quotes and comments. @param {string} sql */
function hasSeveralStatements(sql) {
  const code = sql.replace(
    /\$(\w*)\$[\s\S]*?\$\1\$|'(?:[^'\\]|\\[\s\S]|'')*'|"(?:[^"\\]|\\[\s\S])*"|`[^`]*`|--[^\n]*|\/\*[\s\S]*?\*\//g,
    ' ',
  );
  return /;\s*\S/.test(code);
}
