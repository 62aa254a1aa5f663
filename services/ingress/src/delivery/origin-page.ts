import { Readable } from 'node:stream';
import { errors } from 'undici';
import type { Chunks } from './body.js';
import type { Audience } from './job.js';
import { faultOf, type OriginFault } from './origin-fault.js';

export type OriginHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** What the origin made of a paid request. */
export type OriginPage =
  | {
      readonly kind: 'whole';
      readonly status: number;
      readonly headers: OriginHeaders;
      readonly body: Buffer;
    }
  /** Longer than may be held: what came so far, and the rest still to come. */
  | {
      readonly kind: 'long';
      readonly status: number;
      readonly headers: OriginHeaders;
      readonly begun: readonly Buffer[];
      readonly rest: Chunks;
      close(): void;
    }
  /** Status 0: it broke before there was one. */
  | {
      readonly kind: 'failed';
      readonly status: number;
      readonly outcome: OriginFault | 'origin_truncated';
    };

/** What the reader of a page may do about the answer that comes. */
export interface Flow {
  abort(error: Error): void;
  pause(): void;
  resume(): void;
}

/** Told of an answer as it comes: after the start its head, its body, and its end or an error. */
export interface PageHandler {
  onRequestStart(flow: Flow): void;
  onResponseStart(status: number, headers: OriginHeaders): void;
  onResponseData(bytes: Buffer): void;
  onResponseEnd(): void;
  onResponseError(error: Error): void;
}

export type Dispatch = (handler: PageHandler) => void;

/** Reads a page whole, if it is short enough to be held: most pages are one chunk. */
export function readPage(
  dispatch: Dispatch,
  request: { readonly method: string; readonly bytesMax: number; readonly audience: Audience },
): Promise<OriginPage> {
  const { audience } = request;
  return new Promise((resolve) => {
    const reading: Reading = { status: 0, headers: {}, begun: [], bytes: 0, rest: undefined };
    let flow: Flow;
    dispatch({
      onRequestStart(started) {
        flow = started;
        audience.onGone(() => started.abort(new errors.RequestAbortedError()));
      },
      onResponseStart(status, headers) {
        if (status < 200) return;
        reading.status = status;
        reading.headers = headers;
        // A length that is announced as too long need not be read first to be known.
        if (lengthOf(request.method, headers) > request.bytesMax) {
          resolve(long(reading, flow));
        }
      },
      onResponseData(chunk) {
        if (reading.rest !== undefined) {
          if (!reading.rest.push(chunk)) flow.pause();
          return;
        }
        reading.begun.push(chunk);
        reading.bytes += chunk.length;
        if (reading.bytes > request.bytesMax) resolve(long(reading, flow));
      },
      onResponseEnd() {
        if (reading.rest === undefined) resolve(whole(reading));
        else reading.rest.push(null);
      },
      onResponseError(error) {
        if (reading.rest === undefined) resolve(failed(reading, error, audience.isGone()));
        else reading.rest.destroy(error);
      },
    });
  });
}

interface Reading {
  status: number;
  headers: OriginHeaders;
  readonly begun: Buffer[];
  bytes: number;
  /** Where chunks go once the page is known to be too long. */
  rest: Readable | undefined;
}

function lengthOf(method: string, headers: OriginHeaders): number {
  return method === 'HEAD' ? 0 : Number.parseInt(String(headers['content-length'] ?? '0'), 10);
}

function whole({ status, headers, begun }: Reading): OriginPage {
  const [only] = begun;
  const body = begun.length === 1 && only !== undefined ? only : Buffer.concat(begun);
  return { kind: 'whole', status, headers, body };
}

function long(reading: Reading, flow: Flow): OriginPage {
  const { status, headers, begun } = reading;
  const rest = new Readable({
    read: () => flow.resume(),
    destroy(error, done) {
      // After the end this changes nothing.
      flow.abort(error ?? new errors.RequestAbortedError());
      done(error);
    },
  });
  // Whoever reads it hears of it; between two chunks nobody may be listening.
  rest.on('error', () => {});
  reading.rest = rest;
  const chunks: Chunks = rest[Symbol.asyncIterator]();
  return { kind: 'long', status, headers, begun, rest: chunks, close: () => rest.destroy() };
}

/** With the status there, the origin broke off half-way. */
function failed({ status }: Reading, error: Error, isGone: boolean): OriginPage {
  const fault = faultOf(error, isGone);
  const isTruncated = status !== 0 && fault === 'origin_unreachable';
  return { kind: 'failed', status, outcome: isTruncated ? 'origin_truncated' : fault };
}
