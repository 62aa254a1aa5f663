import { fail } from '@paycrawl/errors/paycrawl-error';
import { createClient, type Hex, http, RpcRequestError } from 'viem';

export interface RpcOptions {
  readonly rpcUrl: string;
  /** Bound of one HTTP exchange, body included. */
  readonly timeoutMs: number;
}

/** JSON-RPC over HTTP; calls made in the same tick share one HTTP request. */
export interface Rpc {
  /** Throws `chain_unavailable` for whatever is not a result. */
  ask(method: string, params: readonly unknown[]): Promise<unknown>;
  /** Tells an error that the node answered from a node that did not answer. */
  tell(method: string, params: readonly unknown[]): Promise<RpcAnswer>;
  /** `eth_call`; a revert is an answer. */
  call(request: CallRequest): Promise<CallAnswer>;
}

export type RpcAnswer =
  | { readonly outcome: 'result'; readonly result: unknown }
  | { readonly outcome: 'error'; readonly code: number; readonly message: string };

export interface CallRequest {
  readonly to?: Hex;
  readonly data: Hex;
  readonly gas?: bigint;
  readonly block: number | string;
}

export type CallAnswer =
  | { readonly outcome: 'returned'; readonly data: Hex }
  | { readonly outcome: 'reverted' };

/**
 * Words by which nodes say that the EVM ran and failed. Anything else (rate limits, missing
 * state, unknown methods) is no answer about the contract.
 */
const evmFailure =
  /execution reverted|out ?of ?gas|invalid ?opcode|invalid ?jump|stack ?(under|over)flow|evm error/i;

const revertErrorCode = 3;

export function openRpc(options: RpcOptions): Rpc {
  const client = createClient({
    transport: http(options.rpcUrl, {
      batch: { batchSize: 200, wait: 0 },
      retryCount: 0,
      timeout: options.timeoutMs,
      // viem's own timeout ends with the headers; a body that trickles must end too.
      fetchFn: (input, init) =>
        fetch(input, { ...init, signal: AbortSignal.timeout(options.timeoutMs) }),
    }),
  });
  const send = client.request as (request: {
    method: string;
    params: readonly unknown[];
  }) => Promise<unknown>;

  const tell = async (method: string, params: readonly unknown[]): Promise<RpcAnswer> => {
    try {
      return { outcome: 'result', result: await send({ method, params }) };
    } catch (error) {
      const answered = answeredError(error);
      if (answered === undefined) throw unavailable(method, error);
      return { outcome: 'error', code: answered.code, message: answered.details };
    }
  };
  const ask = async (method: string, params: readonly unknown[]): Promise<unknown> => {
    const answer = await tell(method, params);
    if (answer.outcome === 'result') return answer.result;
    throw unavailable(method, answer);
  };
  const call = async (request: CallRequest): Promise<CallAnswer> => {
    const { block, gas, ...rest } = request;
    const transaction = gas === undefined ? rest : { ...rest, gas: quantity(gas) };
    const answer = await tell('eth_call', [transaction, blockParameter(block)]);
    if (answer.outcome === 'result') return { outcome: 'returned', data: asHex(answer.result) };
    const reverted = answer.code === revertErrorCode || evmFailure.test(answer.message);
    if (reverted) return { outcome: 'reverted' };
    throw unavailable('eth_call', answer);
  };
  return { ask, tell, call };
}

export function quantity(value: bigint | number): Hex {
  return `0x${value.toString(16)}`;
}

export function blockParameter(block: number | string): string {
  return typeof block === 'number' ? quantity(block) : block;
}

export function asHex(value: unknown): Hex {
  if (typeof value === 'string' && /^0x[0-9a-f]*$/i.test(value)) return value.toLowerCase() as Hex;
  throw unreadable(value);
}

export function asBigint(value: unknown): bigint {
  const hex = asHex(value);
  if (hex === '0x') throw unreadable(value);
  return BigInt(hex);
}

/** Block numbers, times and nonces: never amounts. */
export function asCount(value: unknown): number {
  const count = asBigint(value);
  if (count > BigInt(Number.MAX_SAFE_INTEGER)) throw unreadable(value);
  return Number(count);
}

export function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw unreadable(value);
}

export function asList(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw unreadable(value);
}

/** An answer that cannot be read is no answer: the caller retries, and decides nothing. */
export function unreadable(value: unknown) {
  return fail('chain_unavailable', 'The chain node gave an unreadable answer.', {
    context: { value: String(JSON.stringify(value)).slice(0, 200) },
  });
}

function unavailable(method: string, cause: unknown) {
  return fail('chain_unavailable', 'The chain node did not answer.', {
    cause,
    context: { method },
  });
}

function answeredError(error: unknown): RpcRequestError | undefined {
  let current: unknown = error;
  for (let depth = 0; depth < 8; depth += 1) {
    if (current instanceof RpcRequestError) return current;
    if (!(current instanceof Error)) return undefined;
    current = current.cause;
  }
  return undefined;
}
