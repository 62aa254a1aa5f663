import { fail } from '@paycrawl/errors/paycrawl-error';
import type { PlatformFee } from './state.js';

export type Entry = readonly [key: string, value: unknown];

export type Carried =
  /** Into the partition of the payer of this charge (the key is that of `openChargeKey`). */
  | { readonly to: 'charge'; readonly key: string; readonly entry: Entry }
  /** Into the partition of the same number: sums over partitions stay what they are. */
  | { readonly to: 'same'; readonly entry: Entry }
  | { readonly to: 'everywhere'; readonly entry: Entry; readonly version: number }
  | undefined;

/** One entry of the books on its way into a new generation (ADR 0007). */
export function carryBooks([key, value]: Entry): Carried {
  switch (key.split('/', 1)[0]) {
    case 'open':
      return { to: 'charge', key, entry: [key, value] };
    case 'acc':
    case 'sum':
    case 'use':
      return { to: 'same', entry: [key, value] };
    case 'fee':
      return { to: 'everywhere', entry: [key, value], version: (value as PlatformFee).version };
    case '~a':
    case '~g':
      return undefined;
    default:
      throw fail('migration_state_unknown', `metering: ${key}`);
  }
}
