import { fail } from '@paycrawl/errors/paycrawl-error';
import { decodePaymentRequiredHeader } from '@x402/core/http';
import { ExactEvmScheme } from '@x402/evm/exact/client';
import { wrapFetchWithPayment, x402Client } from '@x402/fetch';
import { createWalletClient, type Hex, http } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { baseSepolia } from 'viem/chains';
import { wrapFetchWithPayment as wrapFetchV1 } from 'x402-fetch';

/** A fetch that pays with a published client until its budget is spent. */
export interface PayingFetch {
  fetch(url: string, init: RequestInit): Promise<Response>;
  /** Atomic units signed for so far: an upper bound of what can be charged. */
  signedFor(): bigint;
}

export interface Budget {
  readonly privateKey: Hex;
  readonly rpcUrl: string;
  /** Atomic units of USDC. */
  readonly budget: bigint;
  /** What carries the requests; the global fetch when absent. */
  readonly through?: typeof fetch;
}

/** The word that a client's error carries when the next page does not fit the budget. */
export const overBudget = 'over budget';

/** `@x402/fetch`, x402 version 2. */
export function payWithV2({ privateKey, budget, through = fetch }: Budget): PayingFetch {
  let signedFor = 0n;
  const client = new x402Client().register(
    'eip155:84532',
    new ExactEvmScheme(privateKeyToAccount(privateKey)),
  );
  client.onBeforePaymentCreation(async ({ selectedRequirements }) => {
    const amount = BigInt(selectedRequirements.amount);
    if (signedFor + amount > budget) return { abort: true, reason: overBudget };
    signedFor += amount;
    return undefined;
  });
  return { fetch: wrapFetchWithPayment(through, client), signedFor: () => signedFor };
}

/** `x402-fetch`, x402 version 1. */
export function payWithV1({ privateKey, rpcUrl, budget }: Budget): PayingFetch {
  let signedFor = 0n;
  const wallet = createWalletClient({
    account: privateKeyToAccount(privateKey),
    chain: baseSepolia,
    transport: http(rpcUrl),
  });
  const paying = wrapFetchV1(fetch, wallet as never, budget, (requirements) => {
    const [first] = requirements;
    if (first === undefined) throw fail('demo_failed', 'nothing is offered');
    const amount = BigInt(first.maxAmountRequired);
    if (signedFor + amount > budget) throw fail('demo_over_budget', overBudget);
    signedFor += amount;
    return first;
  });
  return { fetch: (url, init) => paying(url, init), signedFor: () => signedFor };
}

/** The reason that a 402 gives in its x402 v2 header. */
export function reasonOf402(response: Response): string {
  const header = response.headers.get('payment-required');
  if (header === null) return 'no offer';
  return decodePaymentRequiredHeader(header).error ?? 'Payment required';
}
