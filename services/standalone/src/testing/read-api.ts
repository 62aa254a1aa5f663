import { fail } from '@paycrawl/errors/paycrawl-error';
import type { RunFile } from '../run-file.js';

/** The read API as its users see it. */
export interface ReadApi {
  get<Body>(path: string): Promise<Body>;
  /** The status alone. */
  status(path: string): Promise<number>;
  balance(): Promise<Balance>;
}

export interface Money {
  readonly asset: string;
  readonly amount: string;
  readonly decimals: number;
}

export interface Balance {
  readonly charged: readonly Money[];
  readonly settled: readonly Money[];
  readonly uncollectible: readonly Money[];
  readonly owed: readonly Money[];
}

export function openReadApi(run: RunFile, token = run.publisher.token): ReadApi {
  const ask = (path: string) =>
    fetch(`${run.api}${path}`, { headers: { authorization: `Bearer ${token}` } });
  async function get<Body>(path: string): Promise<Body> {
    const response = await ask(path);
    if (!response.ok) throw fail('internal', `${path}: ${response.status}`);
    return (await response.json()) as Body;
  }
  return {
    get,
    status: async (path) => (await ask(path)).status,
    balance: () => get<Balance>(`/v1/publishers/${run.publisher.id}/balance`),
  };
}

export function sumOf(monies: readonly Money[]): bigint {
  return monies.reduce((sum, { amount }) => sum + BigInt(amount), 0n);
}
