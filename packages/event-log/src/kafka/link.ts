import type { Socket } from 'node:net';
import SaslAuthenticator from 'kafkajs/src/broker/saslAuthenticator/index.js';
import { dial, isOfTls, isTlsAlert } from './dial.js';
import { connectionFault, loginFault, throwIfRefused, tlsFault } from './faults.js';
import { stringBytes, writeString } from './own-codec.js';
import { type Api, type ApiVersions, type Codec, codecOf } from './protocol.js';
import type { KafkaSasl, KafkaSettings } from './settings.js';

/**
 * One connection to one broker. The broker works through the requests of a connection one by one,
 * so whatever may wait there (a fetch, a join, a write) has a link of its own.
 *
 * It is used until its first fault and then thrown away: nothing that was sent through it is
 * still on its way when the same is tried again elsewhere, except in the broker's own hands.
 */
export interface Link {
  /** The answer as it was decoded; the caller looks at the error codes in it. */
  request<A extends keyof Api>(api: A, payload: Api[A][0], waitMs?: number): Promise<Api[A][1]>;
  readonly isOpen: boolean;
  /** Cuts the connection; what is asked at the moment fails. */
  close(): void;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

interface Asked {
  readonly codec: Codec;
  readonly timer: NodeJS.Timeout;
  resolve(decoded: unknown): void;
  reject(error: unknown): void;
}

interface State {
  readonly address: Address;
  readonly socket: Socket;
  readonly settings: KafkaSettings;
  readonly asked: Map<number, Asked>;
  readonly frames: { chunks: Buffer[]; bytes: number; bytesNeeded: number };
  versions: ApiVersions | undefined;
  correlationId: number;
  answers: number;
  /** The broker's wish that the client waits (a quota, KIP-219). */
  throttledUntilMs: number;
  failure: Error | undefined;
}

export async function openLink(address: Address, settings: KafkaSettings): Promise<Link> {
  const socket = await dial(address, settings);
  const state: State = {
    address,
    socket,
    settings,
    asked: new Map(),
    frames: { chunks: [], bytes: 0, bytesNeeded: 4 },
    versions: undefined,
    correlationId: 0,
    answers: 0,
    throttledUntilMs: 0,
    failure: undefined,
  };
  socket.on('data', (chunk: Buffer) => receive(state, chunk));
  socket.on('error', (error) => end(state, broken(state, error)));
  socket.on('close', () => end(state, closed(state)));
  try {
    await introduce(state, address);
  } catch (error) {
    end(state, connectionFault('The connection was given up.'));
    throw error;
  }
  return {
    request: (api, payload, waitMs) => request(state, api, payload, waitMs),
    get isOpen() {
      return state.failure === undefined;
    },
    close: () => end(state, connectionFault('The connection was closed.')),
  };
}

/** With TLS 1.3 the broker may refuse this side after the handshake. */
function broken({ address }: State, error: Error): Error {
  if (isOfTls(error)) return tlsFault('A broker does not agree on TLS', address, error);
  return connectionFault('The connection broke.', error);
}

/** What ports do that expect something else; a broker that dies does the same, so it is a hint. */
function closed({ answers, settings }: State): Error {
  if (answers === 0 && settings.tls === undefined) {
    const what = 'A broker closed the connection without an answer; a port with TLS does that.';
    return connectionFault(what);
  }
  if (answers === 1 && settings.sasl === undefined) {
    const what = 'A broker closed the connection; a port that wants a login does that.';
    return connectionFault(what);
  }
  return connectionFault('The broker closed the connection.');
}

async function introduce(state: State, address: Address): Promise<void> {
  const { errorCode, apiVersions } = await request(state, 'ApiVersions', {});
  throwIfRefused(errorCode, 'to say its versions');
  state.versions = Object.fromEntries(
    apiVersions.map(({ apiKey, ...versions }) => [apiKey, versions]),
  );
  if (state.settings.sasl !== undefined) await logIn(state, address, state.settings.sasl);
}

async function logIn(state: State, address: Address, sasl: KafkaSasl): Promise<void> {
  const logger = { namespace: () => logger, debug() {}, error() {} };
  let lost: unknown;
  const connection = {
    ...address,
    sasl: { ...sasl },
    send: async (codec: Codec) => {
      const decoded = await ask(state, codec).catch((error: unknown) => {
        lost = error;
        throw error;
      });
      return codec.response.parse(decoded);
    },
  };
  try {
    const versions = state.versions ?? {};
    await new SaslAuthenticator(connection, logger, versions, true).authenticate();
  } catch (cause) {
    // Told apart by what happened: kafkajs calls a lost connection a failed login too.
    throw lost ?? loginFault(sasl.mechanism, address, cause);
  }
}

async function request<A extends keyof Api>(
  state: State,
  api: A,
  payload: Api[A][0],
  waitMs = 0,
): Promise<Api[A][1]> {
  return ask(state, codecOf(api, payload, state.versions), waitMs) as Promise<Api[A][1]>;
}

async function ask(state: State, codec: Codec, waitMs = 0): Promise<unknown> {
  const throttledMs = state.throttledUntilMs - Date.now();
  if (throttledMs > 0) await new Promise((resolve) => setTimeout(resolve, throttledMs));
  const correlationId = state.correlationId;
  state.correlationId = (correlationId + 1) & 0x7fffffff;
  const { clientId, requestTimeoutMs } = state.settings;
  const { buffer } = await codec.request.encode();
  if (state.failure !== undefined) throw state.failure;
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => end(state, connectionFault('A broker did not answer in time.')),
      requestTimeoutMs + waitMs,
    );
    state.asked.set(correlationId, { codec, timer, resolve, reject });
    // Together, but not copied together: a batch may be a megabyte.
    state.socket.cork();
    state.socket.write(headOf(codec, correlationId, clientId, buffer.length));
    state.socket.write(buffer);
    state.socket.uncork();
  });
}

/** Length of all that follows, and the request header (version 1 of Kafka's protocol). */
function headOf(
  { request: { apiKey, apiVersion } }: Codec,
  correlationId: number,
  clientId: string,
  bodyBytes: number,
): Buffer {
  const head = Buffer.allocUnsafe(12 + stringBytes(clientId));
  head.writeInt32BE(head.length - 4 + bodyBytes, 0);
  head.writeInt16BE(apiKey, 4);
  head.writeInt16BE(apiVersion, 6);
  head.writeInt32BE(correlationId, 8);
  writeString(head, 12, clientId);
  return head;
}

function receive(state: State, chunk: Buffer): void {
  const { frames, address, answers } = state;
  if (answers === 0 && isTlsAlert(chunk)) {
    return end(state, tlsFault('A broker wants TLS on this port', address));
  }
  frames.chunks.push(chunk);
  frames.bytes += chunk.length;
  while (frames.bytes >= frames.bytesNeeded) {
    const [first = chunk, ...more] = frames.chunks;
    const whole = more.length === 0 ? first : Buffer.concat(frames.chunks);
    const frameBytes = 4 + whole.readInt32BE(0);
    if (whole.length < frameBytes) {
      frames.chunks = [whole];
      frames.bytesNeeded = frameBytes;
      return;
    }
    answer(state, whole.subarray(4, frameBytes));
    const rest = whole.subarray(frameBytes);
    frames.chunks = rest.length === 0 ? [] : [rest];
    frames.bytes = rest.length;
    frames.bytesNeeded = 4;
  }
}

function answer(state: State, frame: Buffer): void {
  const correlationId = frame.readInt32BE(0);
  const asked = state.asked.get(correlationId);
  // Never asked: whatever this is, it is not the protocol.
  if (asked === undefined) return end(state, connectionFault('A broker answered nonsense.'));
  state.asked.delete(correlationId);
  state.answers += 1;
  clearTimeout(asked.timer);
  asked.codec.response.decode(frame.subarray(4)).then((decoded) => {
    const { clientSideThrottleTime: throttleMs = 0 } = decoded as {
      clientSideThrottleTime?: number;
    };
    if (throttleMs > 0) state.throttledUntilMs = Date.now() + throttleMs;
    asked.resolve(decoded);
  }, asked.reject);
}

function end(state: State, failure: Error): void {
  if (state.failure !== undefined) return;
  state.failure = failure;
  state.socket.destroy();
  for (const { timer, reject } of state.asked.values()) {
    clearTimeout(timer);
    reject(failure);
  }
  state.asked.clear();
}
