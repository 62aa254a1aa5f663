import { fail } from '@paycrawl/errors/paycrawl-error';
import type { Hex } from 'viem';

/** JSON-RPC to a devnet's node, `anvil_*` and `evm_*` methods included. */
export type DevnetRpc = <Result>(method: string, params?: readonly unknown[]) => Promise<Result>;

/** A local node answers in milliseconds; only a machine under load needs more. */
const requestTimeoutMs = 10_000;

export function openDevnetRpc(rpcUrl: string): DevnetRpc {
  return async <Result>(method: string, params: readonly unknown[] = []) => {
    const body = await post(rpcUrl, { jsonrpc: '2.0', id: 1, method, params });
    if (body.error !== undefined) {
      throw fail('devnet_failed', `The devnet refused ${method}: ${body.error.message}`);
    }
    return body.result as Result;
  };
}

interface RpcBody {
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

async function post(rpcUrl: string, request: object): Promise<RpcBody> {
  try {
    const response = await fetch(rpcUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request),
      signal: AbortSignal.timeout(requestTimeoutMs),
    });
    return (await response.json()) as RpcBody;
  } catch (cause) {
    throw fail('devnet_failed', 'The devnet does not answer.', { cause });
  }
}

export function toQuantity(value: bigint | number): Hex {
  return `0x${value.toString(16)}`;
}

/** Polls until the answer is there; the bound is generous because blocks come every second. */
export async function eventually<Result>(
  what: string,
  probe: () => Promise<Result | undefined>,
  timeoutMs = 15_000,
): Promise<Result> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const result = await probe();
    if (result !== undefined) return result;
    if (performance.now() > deadline) throw fail('devnet_failed', `Waited too long for ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
