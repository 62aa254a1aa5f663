import type { Chain } from '@paycrawl/chain/chain';
import type { Caused } from '@paycrawl/fold/fold';
import type { Driver, OwnedPartition } from '@paycrawl/fold/runtime';
import { type AdmissionOutput, wantedKey } from '../admission/state.js';
import { type Asked, observe, repeat } from './answers.js';
import { type Question, type Standing, standingOf } from './questions.js';

/**
 * Answers the fold's questions about funds. It works from the fold's state, so a new owner asks
 * again by itself; outputs only wake it. All partitions of the process share its batches.
 */
export interface FundsWatcher {
  attach(owned: OwnedPartition): Driver<AdmissionOutput>;
  /** Questions that stand, and since when the oldest one does (the watcher's clock). */
  standing(): { readonly questions: number; readonly oldestSinceMs: number | undefined };
  /** Since when the chain or the log has not let it answer; undefined while all is well. */
  trouble(): Trouble | undefined;
  close(): Promise<void>;
}

export interface Trouble {
  readonly sinceMs: number;
  readonly error: unknown;
}

export interface WatcherOptions {
  readonly chain: Chain;
  /** Blocks below the head that no reorganisation reaches. */
  readonly depth: number;
  /** Payers in one batch of questions. */
  readonly batchPayersMax: number;
  /** Batches under way at once: a slow answer must not hold up every other payer. */
  readonly batchesInFlightMax: number;
  /** How often a new block is looked for while somebody needs one. */
  readonly blockPollMs: number;
  readonly backoffMaxMs: number;
  clock(): number;
  onObserved?(payers: number, tookMs: number): void;
  onFailure?(error: unknown): void;
}

interface Watch {
  readonly options: WatcherOptions;
  readonly questions: Map<string, Question>;
  readonly batches: Set<Promise<void>>;
  failures: number;
  trouble: Trouble | undefined;
  isLookingForBlock: boolean;
  /** A look at the questions is on its way: one serves all who wake the watcher meanwhile. */
  woken: NodeJS.Immediate | undefined;
  timer: NodeJS.Timeout | undefined;
  isClosed: boolean;
}

const backoffMinMs = 50;

export function createFundsWatcher(options: WatcherOptions): FundsWatcher {
  const watch: Watch = {
    options,
    questions: new Map(),
    batches: new Set(),
    failures: 0,
    trouble: undefined,
    isLookingForBlock: false,
    woken: undefined,
    timer: undefined,
    isClosed: false,
  };
  return {
    attach: (owned) => attach(watch, owned),
    standing: () => {
      const since = [...watch.questions.values()].map(({ sinceMs }) => sinceMs);
      const oldestSinceMs = since.length === 0 ? undefined : Math.min(...since);
      return { questions: since.length, oldestSinceMs };
    },
    trouble: () => watch.trouble,
    close: async () => {
      watch.isClosed = true;
      clearImmediate(watch.woken);
      clearTimeout(watch.timer);
      await Promise.allSettled(watch.batches);
    },
  };
}

function attach(watch: Watch, owned: OwnedPartition): Driver<AdmissionOutput> {
  for (const [key] of owned.state.range('w/')) ask(watch, owned, key);
  wake(watch);
  return {
    onFolded: (outputs) => {
      if (noteRequests(watch, owned, outputs)) wake(watch);
    },
    close: async () => {
      for (const [id, question] of watch.questions) {
        if (question.owned === owned) watch.questions.delete(id);
      }
      await Promise.allSettled(watch.batches);
    },
  };
}

function noteRequests(
  watch: Watch,
  owned: OwnedPartition,
  outputs: readonly Caused<AdmissionOutput>[],
): boolean {
  let isAsked = false;
  for (const { output } of outputs) {
    if (output.type !== 'FundsRequested') continue;
    ask(watch, owned, wantedKey(output.data.payer, output.data.asset));
    isAsked = true;
  }
  return isAsked;
}

function ask(watch: Watch, owned: OwnedPartition, key: string): void {
  const id = `${owned.partition}/${key}`;
  const known = watch.questions.get(id);
  if (known !== undefined && known.owned === owned) {
    // Asked anew: whatever was answered before is folded already.
    known.answeredBlock = undefined;
    return;
  }
  const sinceMs = watch.options.clock();
  const fresh = { isInFlight: false, answeredBlock: undefined, notBeforeMs: 0 };
  watch.questions.set(id, { owned, key, sinceMs, ...fresh });
}

/** Not at once: what is folded in the same turn goes into the same batch. */
function wake(watch: Watch): void {
  if (watch.isClosed) return;
  watch.woken ??= setImmediate(() => {
    watch.woken = undefined;
    look(watch);
  });
}

/** Starts whatever can be asked now, and a timer for the rest. */
function look(watch: Watch): void {
  if (watch.isClosed) return;
  const { options, questions } = watch;
  const nowMs = options.clock();
  const unknown: Asked[] = [];
  const known: (Asked & { standing: Standing & { kind: 'known' } })[] = [];
  for (const [id, question] of questions) {
    const standing = standingOf(question, nowMs);
    if (standing.kind === 'gone') questions.delete(id);
    if (standing.kind === 'unknown') unknown.push({ question, wanted: standing.wanted });
    if (standing.kind === 'known') known.push({ question, wanted: standing.wanted, standing });
  }
  for (const batch of chunks(unknown, options.batchPayersMax)) {
    if (watch.batches.size >= options.batchesInFlightMax) break;
    start(watch, batch, () => observe(batch, options));
  }
  if (known.length > 0 && !watch.isLookingForBlock) lookForBlock(watch, known);
  if (questions.size === 0 || watch.timer !== undefined) return;
  watch.timer = setTimeout(() => {
    watch.timer = undefined;
    look(watch);
  }, options.blockPollMs);
}

/** Payers that are known at a block: a higher block is asked about, the same one is repeated. */
function lookForBlock(
  watch: Watch,
  known: readonly (Asked & { standing: Standing & { kind: 'known' } })[],
): void {
  const { options } = watch;
  const { chain, depth, batchPayersMax } = options;
  watch.isLookingForBlock = true;
  start(watch, known, async () => {
    try {
      const deepNumber = Math.max(0, (await chain.head()).number - depth);
      const older = known.filter(({ standing }) => standing.blockNumber < deepNumber);
      const same = known.filter(
        ({ standing }) => standing.blockNumber === deepNumber && standing.isWaitedFor,
      );
      for (const batch of chunks(older, batchPayersMax)) await observe(batch, options);
      const block = same.length > 0 ? await chain.block(deepNumber) : undefined;
      if (block !== undefined) await repeat(same, block, options);
    } finally {
      watch.isLookingForBlock = false;
      // Until the next poll: a new block is not looked for in a circle.
      const nextMs = options.clock() + options.blockPollMs;
      for (const { question } of known) question.notBeforeMs = nextMs;
    }
  });
}

function start(watch: Watch, asked: readonly Asked[], work: () => Promise<void>): void {
  const { options } = watch;
  const startedMs = options.clock();
  for (const { question } of asked) question.isInFlight = true;
  const batch = work()
    .then(() => {
      watch.failures = 0;
      watch.trouble = undefined;
      options.onObserved?.(asked.length, options.clock() - startedMs);
    })
    .catch((error: unknown) => {
      const nowMs = options.clock();
      const backoffMs = Math.min(options.backoffMaxMs, backoffMinMs * 2 ** watch.failures);
      watch.failures = Math.min(watch.failures + 1, 16);
      watch.trouble = { sinceMs: watch.trouble?.sinceMs ?? nowMs, error };
      for (const { question } of asked) question.notBeforeMs = nowMs + backoffMs;
      options.onFailure?.(error);
    })
    .finally(() => {
      for (const { question } of asked) question.isInFlight = false;
      watch.batches.delete(batch);
      // Who came meanwhile goes into the next batch.
      wake(watch);
    });
  watch.batches.add(batch);
}

function* chunks<Item>(list: readonly Item[], size: number): Generator<readonly Item[]> {
  for (let start = 0; start < list.length; start += size) yield list.slice(start, start + size);
}
