import type { Cause } from '@paycrawl/events/envelope';
import type { AnyEvent, EventTopic } from '@paycrawl/events/event';

/**
 * A deterministic fold over one topic-partition: `fold(state, record) → { state, outputs }`.
 *
 * The view is both: reads see the state before this record plus its own writes; `emit` collects
 * the outputs. No clock, no random number, no network: `view.nowMs` is the running maximum of the
 * append times of the partition. Entities are immutable values: replace, never mutate.
 */
export interface Fold<Out> {
  /** Name of the service that owns it; the `source` of its outputs. */
  readonly name: string;
  readonly input: EventTopic;
  /** Its state is carried into a new generation: there it begins with a seed or not at all. */
  readonly isSeeded?: boolean;
  apply(view: View<Out>, event: AnyEvent, position: InputPosition): void;
  /**
   * A typed error of `apply`: everything that the record wrote is undone before this is called.
   * Parks the entity by an output; absent means that the process stops.
   */
  park?(view: View<Out>, event: AnyEvent, position: InputPosition, code: string): void;
  /**
   * Where `view.isSettledLater`, `apply` may gather what several records add up to; here it goes
   * into the state, and out as outputs of the last record. Called between records, before
   * anything of them is stored or written.
   */
  settle?(view: View<Out>): void;
}

export interface InputPosition {
  readonly partition: number;
  readonly offset: number;
  readonly key: string;
}

/** Keys are ASCII and never begin with `~` (the runtime's own). */
export interface View<Out> extends ReadView {
  /** Who applies records calls the `settle` of the fold after them. */
  readonly isSettledLater?: boolean;
  set(key: string, value: unknown): void;
  delete(key: string): void;
  /** Wakes `key` by a `TimePassed` record at or after `atMs`; several times per key may stand. */
  setTimer(key: string, atMs: number): void;
  clearTimer(key: string, atMs: number): void;
  /** Removes and returns the keys whose time has come, in the order of (time, key). */
  takeDueTimers(countMax: number): string[];
  emit(output: Out): void;
}

export interface ReadView {
  /** Log time: the running maximum of append times in this partition, Unix ms. */
  readonly nowMs: number;
  get<Value>(key: string): Value | undefined;
  /** Entries whose key begins with `prefix`, in key order. */
  range<Value>(prefix: string, countMax?: number): [key: string, value: Value][];
}

/** An output with its cause: what makes every write of it, by any owner, the same. */
export interface Caused<Out> {
  readonly output: Out;
  readonly cause: Cause;
  readonly nowMs: number;
  readonly trace: string | undefined;
}

/** What a fold that writes to the log emits. */
export type LogOutput<Topic extends EventTopic = EventTopic> = {
  [T in Topic]: {
    readonly topic: T;
    readonly key: string;
    /**
     * The trace of the entity that it is about, from the fold's state, where the record that made
     * it is about others too (a batch, an observation, the time); null: that one is not recorded.
     * Absent, the trace of the record goes on.
     */
    readonly trace?: string | null | undefined;
  } & OutputOf<T>;
}[Topic];

type OutputOf<Topic extends EventTopic> =
  AnyEventIn<Topic> extends infer Event
    ? Event extends { type: infer Type; data: infer Data }
      ? { readonly type: Type; readonly data: Data }
      : never
    : never;

type AnyEventIn<Topic extends EventTopic> = import('@paycrawl/events/event').EventIn<Topic>;

/** Where outputs become durable. Called with everything that waits, one call at a time, in order. */
export interface Sink<Out> {
  /** What is written replaces itself by its position: calls may overlap, and end in any order. */
  readonly isAnyOrder?: boolean;
  /** A rejection means unknown: the owner stops and folds again from its last durable position. */
  write(outputs: readonly Caused<Out>[], partition: number): Promise<void>;
  close(): Promise<void>;
}
