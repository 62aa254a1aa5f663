import { addressOfPayer } from '@paycrawl/events/ids';
import type { OwnedPartition } from '@paycrawl/fold/runtime';
import { account, type Wanted } from '../admission/state.js';
import { waitingNonces } from '../admission/want.js';

/** One standing question of one partition; the fold's state says whether it still stands. */
export interface Question {
  readonly owned: OwnedPartition;
  /** Key of the `Wanted` entry. */
  readonly key: string;
  readonly sinceMs: number;
  isInFlight: boolean;
  /** An observation of this block was appended; the fold will come to it. */
  answeredBlock: number | undefined;
  /** After a failure: not asked again before. */
  notBeforeMs: number;
}

export type Standing =
  /** Nobody wants to know any more. */
  | { readonly kind: 'gone' }
  /** In work, answered but not yet folded, or put off after a failure. */
  | { readonly kind: 'busy' }
  /** Nothing is known of this payer: ask at once. */
  | { readonly kind: 'unknown'; readonly wanted: Wanted }
  /** Known at a block: only a higher block is news. */
  | {
      readonly kind: 'known';
      readonly wanted: Wanted;
      readonly blockNumber: number;
      readonly isWaitedFor: boolean;
    };

export function standingOf(question: Question, nowMs: number): Standing {
  const { owned, key, answeredBlock } = question;
  const wanted = owned.state.get<Wanted>(key);
  if (wanted === undefined) return { kind: 'gone' };
  if (question.isInFlight || nowMs < question.notBeforeMs) return { kind: 'busy' };
  const { funds, waiting } = account(owned.state, wanted);
  if (answeredBlock !== undefined && (funds === undefined || funds.blockNumber < answeredBlock)) {
    return { kind: 'busy' };
  }
  if (funds === undefined) return { kind: 'unknown', wanted };
  const isWaitedFor = waiting.length > 0;
  return { kind: 'known', wanted, blockNumber: funds.blockNumber, isWaitedFor };
}

/** What the chain is asked: the balance, and the state of every nonce that waits. */
export function requestOf(
  { owned }: Question,
  wanted: Wanted,
): { payer: `0x${string}`; asset: `0x${string}`; nonces: `0x${string}`[] } {
  return {
    payer: addressOfPayer(wanted.payer),
    asset: wanted.asset as `0x${string}`,
    nonces: waitingNonces(owned.state, wanted) as `0x${string}`[],
  };
}
