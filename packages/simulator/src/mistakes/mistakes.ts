import type { Planted } from '../planted.js';
import * as Chain from './chain-mistakes.js';
import * as FoldRules from './fold-mistakes.js';
import * as Log from './log-mistakes.js';
import * as State from './store-mistakes.js';

/** Mistakes that were made before, here or elsewhere; each is planted alone. */
export const mistakes = {
  position_before_outputs: [
    'position recorded before its outputs are durable',
    Log.positionBeforeOutputs,
  ],
  no_drop_by_cause: ['no drop by cause', Log.noDropByCause],
  drop_by_offset: ['drop by offset without index', Log.dropByOffsetWithoutIndex],
  two_in_flight: ['two batches in flight', Log.twoBatchesInFlight],
  later_after_failed: ['a later write after a failed one', Log.laterWriteAfterFailed],
  different_batch: [
    'a different batch after an unacknowledged one',
    Log.differentBatchAfterUnacknowledged,
  ],
  torn_snapshot: ['torn snapshot', State.tornSnapshot],
  snapshot_ahead: ['snapshot of state ahead of durable outputs', State.snapshotAhead],
  shared_store: [
    'two owners sharing a local store without the position check',
    State.sharedStoreUnchecked,
  ],
  memory_order: ['entities visited in memory order', FoldRules.memoryOrder],
  wall_clock: ['wall clock in a fold', FoldRules.wallClock],
  nonce_pruned: ['nonce pruned early', FoldRules.noncePrunedEarly],
  outcome_without_lease: ['outcome that names no lease', FoldRules.outcomeWithoutLease],
  outcome_after_forgotten: [
    'outcome accepted after its nonce was forgotten',
    FoldRules.outcomeAfterForgotten,
  ],
  repeated_proof: [
    'duplicate proof after a lost acknowledgement opening a hold',
    FoldRules.repeatedProof,
  ],
  hold_ended_twice: ['hold ended twice', FoldRules.holdEndedTwice],
  funds_freed_early: ['funds freed before their block was observed', FoldRules.fundsFreedEarly],
  orphan_kept: ["an orphaned block's observation kept", Chain.orphanedObservationKept],
  answers_at_head: ['answers read at the head instead of depth D', Chain.answersAtHead],
  unfunded_is_final: ['unfunded taken as final', Chain.unfundedIsFinal],
  bytes_before_intent: ['bytes sent before the intent was read back', Chain.bytesBeforeIntent],
  fee_bump_nonce: ['fee bump with a new nonce', Chain.feeBumpWithNewNonce],
  nonce_of_driver: ['nonce chosen by the driver', Chain.nonceOfDriver],
} as const satisfies Record<string, readonly [title: string, planted: Planted]>;

export type Mistake = keyof typeof mistakes;

export const mistakeNames = Object.keys(mistakes) as Mistake[];

export function isMistake(name: string): name is Mistake {
  return name in mistakes;
}
