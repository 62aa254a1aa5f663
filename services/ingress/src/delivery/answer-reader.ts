import { fail } from '@paycrawl/errors/paycrawl-error';
import type { OriginHeaders } from './origin-page.js';

export interface AnswerSink {
  /** Of the final answer; interim ones are passed over. */
  onHead(status: number, headers: OriginHeaders): void;
  onData(bytes: Buffer): void;
  /** The body is whole. */
  onEnd(): void;
}

/** Reads one HTTP/1.1 answer off a connection, in whatever pieces it comes. */
export interface AnswerReader {
  /** Fails where this is no answer; then nothing else on the connection is one. */
  read(bytes: Buffer): void;
  /** The connection ended: of some bodies that is the end. */
  end(): void;
  /** How long the connection may wait for another request, in ms; 0: it must not. */
  reusableForMs(): number;
}

const headBytesMax = 16_384;
const sizeLineBytesMax = 256;
const idleMs = 4_000;
/** The origin counts from an earlier moment than we do. */
const hintMarginMs = 1_000;
const idleMsMax = 600_000;

const statusLine = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/;
const headerLine =
  /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*((?:[\t\x20-\x7e\x80-\xff]*[!-~\x80-\xff])?)[ \t]*$/;
const sizeLine = /^([0-9a-fA-F]{1,13})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?$/;
const nothing: Buffer = Buffer.alloc(0);

type Mode = 'head' | 'length' | 'until-close' | 'size' | 'chunk' | 'chunk-end' | 'trailer' | 'over';

interface Reading {
  readonly method: string;
  readonly sink: AnswerSink;
  mode: Mode;
  /** Bytes of the body, or of the chunk, that are still to come. */
  left: number;
  trailerBytes: number;
  reusableForMs: number;
}

export function createAnswerReader(method: string, sink: AnswerSink): AnswerReader {
  const reading: Reading = {
    ...{ method, sink, mode: 'head', left: 0, trailerBytes: 0, reusableForMs: 0 },
  };
  let kept = nothing;
  return {
    read(bytes) {
      let rest = kept.length === 0 ? bytes : Buffer.concat([kept, bytes]);
      kept = nothing;
      while (rest.length > 0) {
        const taken = step(reading, rest);
        if (taken === 0) {
          kept = rest;
          return;
        }
        rest = rest.subarray(taken);
      }
    },
    end() {
      if (reading.mode !== 'until-close') throw bad('it ended before its end');
      over(reading);
    },
    reusableForMs: () => reading.reusableForMs,
  };
}

/** Bytes that were taken; 0 where more have to come first. */
function step(reading: Reading, bytes: Buffer): number {
  switch (reading.mode) {
    case 'head':
      return takeHead(reading, bytes);
    case 'length':
    case 'chunk':
      return takeBody(reading, bytes);
    case 'until-close':
      reading.sink.onData(bytes);
      return bytes.length;
    case 'over':
      throw bad('something follows it');
    default:
      return takeLine(reading, bytes);
  }
}

function takeHead(reading: Reading, bytes: Buffer): number {
  const end = bytes.indexOf('\r\n\r\n');
  if (end > headBytesMax || (end < 0 && bytes.length > headBytesMax)) throw bad('a long head');
  if (end < 0) return 0;
  const lines = bytes.toString('latin1', 0, end).split('\r\n');
  const [, minor, code] = statusLine.exec(lines[0] ?? '') ?? [];
  if (code === undefined) throw bad('no status line');
  const status = Number(code);
  if (status === 101) throw bad('an upgrade that nobody asked for');
  if (status >= 200) {
    const headers = headersOf(lines);
    frame(reading, status, headers);
    reading.reusableForMs = idleTime(headers, minor === '1' && reading.mode !== 'until-close');
    reading.sink.onHead(status, headers);
    if ((reading.mode as Mode) === 'length' && reading.left === 0) over(reading);
  }
  return end + 4;
}

function headersOf(lines: readonly string[]): OriginHeaders {
  // Without a prototype: the origin chooses the names.
  const headers: Record<string, string | string[]> = Object.create(null);
  for (let i = 1; i < lines.length; i++) {
    const [, spelled, value = ''] = headerLine.exec(lines[i] as string) ?? [];
    if (spelled === undefined) throw bad('a malformed header');
    const name = spelled.toLowerCase();
    const before = headers[name];
    if (before === undefined) headers[name] = value;
    else if (Array.isArray(before)) before.push(value);
    else headers[name] = [before, value];
  }
  return headers;
}

/** RFC 9112 §6.3. An answer that says two things about its length is none. */
function frame(reading: Reading, status: number, headers: OriginHeaders): void {
  const { 'content-length': length, 'transfer-encoding': coding } = headers;
  if (
    coding !== undefined &&
    (length !== undefined || String(coding).toLowerCase() !== 'chunked')
  ) {
    throw bad('another coding than chunks, or a length beside it');
  }
  if (length !== undefined && (typeof length !== 'string' || !/^\d{1,15}$/.test(length))) {
    throw bad('no length that can be read');
  }
  reading.mode = 'length';
  if (reading.method === 'HEAD' || status === 204 || status === 304) reading.left = 0;
  else if (coding !== undefined) reading.mode = 'size';
  else if (length === undefined) reading.mode = 'until-close';
  else reading.left = Number(length);
}

function idleTime(headers: OriginHeaders, canStay: boolean): number {
  if (!canStay || /\bclose\b/i.test(String(headers.connection ?? ''))) return 0;
  const [, hint] = /timeout=(\d{1,6})/.exec(String(headers['keep-alive'] ?? '')) ?? [];
  if (hint === undefined) return idleMs;
  return Math.max(0, Math.min(idleMsMax, Number(hint) * 1_000 - hintMarginMs));
}

function takeBody(reading: Reading, bytes: Buffer): number {
  const taken = Math.min(reading.left, bytes.length);
  reading.left -= taken;
  reading.sink.onData(taken === bytes.length ? bytes : bytes.subarray(0, taken));
  if (reading.left === 0) {
    if (reading.mode === 'chunk') reading.mode = 'chunk-end';
    else over(reading);
  }
  return taken;
}

/** Lines between chunks and behind the last one. */
function takeLine(reading: Reading, bytes: Buffer): number {
  const end = bytes.indexOf('\r\n');
  const max = reading.mode === 'trailer' ? headBytesMax : sizeLineBytesMax;
  if (end > max || (end < 0 && bytes.length > max)) throw bad('a long line');
  if (end < 0) return 0;
  const line = bytes.toString('latin1', 0, end);
  if (reading.mode === 'chunk-end') {
    if (line !== '') throw bad('a chunk that is longer than it said');
    reading.mode = 'size';
  } else if (reading.mode === 'size') {
    const [, size] = sizeLine.exec(line) ?? [];
    if (size === undefined) throw bad('no size of a chunk');
    reading.left = Number.parseInt(size, 16);
    reading.mode = reading.left === 0 ? 'trailer' : 'chunk';
  } else if (line === '') over(reading);
  else {
    reading.trailerBytes += end;
    if (reading.trailerBytes > headBytesMax) throw bad('long trailers');
  }
  return end + 2;
}

function over(reading: Reading): void {
  reading.mode = 'over';
  reading.sink.onEnd();
}

function bad(what: string): Error {
  return fail('origin_unreachable', `The answer of the origin: ${what}.`);
}
