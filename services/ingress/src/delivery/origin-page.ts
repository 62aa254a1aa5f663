import { Readable } from 'node:stream';
import { type Dispatcher, errors } from 'undici';
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

export type Dispatch = (handler: Dispatcher.DispatchHandler) => void;

/**
 * Reads a page whole, if it is short enough to be held. A handler of undici's own interface:
 * most pages are one chunk, and the stream that `request` makes of it costs more than the rest.
 */
export function readPage(
  dispatch: Dispatch,
  request: { readonly method: string; readonly bytesMax: number; readonly audience: Audience },
): Promise<OriginPage> {
  const { audience } = request;
  return new Promise((resolve) => {
    const reading: Reading = { status: 0, headers: {}, begun: [], bytes: 0, rest: undefined };
    const letGo = (controller: Dispatcher.DispatchController): void =>
      controller.abort(new errors.RequestAbortedError());
    dispatch({
      onRequestStart(controller) {
        audience.onGone(() => letGo(controller));
      },
      onResponseStart(controller, status, headers) {
        if (status < 200) return;
        reading.status = status;
        reading.headers = headers;
        // A length that is announced as too long need not be read first to be known.
        if (lengthOf(request.method, headers) > request.bytesMax) {
          resolve(long(reading, controller));
        }
      },
      onResponseData(controller, chunk) {
        if (reading.rest !== undefined) {
          if (!reading.rest.push(chunk)) controller.pause();
          return;
        }
        reading.begun.push(chunk);
        reading.bytes += chunk.length;
        if (reading.bytes > request.bytesMax) resolve(long(reading, controller));
      },
      onResponseEnd() {
        if (reading.rest === undefined) resolve(whole(reading));
        else reading.rest.push(null);
      },
      onResponseError(_controller, error) {
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

function long(reading: Reading, controller: Dispatcher.DispatchController): OriginPage {
  const { status, headers, begun } = reading;
  const rest = new Readable({
    read: () => controller.resume(),
    destroy(error, done) {
      // After the end this changes nothing.
      controller.abort(error ?? new errors.RequestAbortedError());
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
