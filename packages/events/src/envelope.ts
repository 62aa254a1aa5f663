/**
 * The envelope: CloudEvents 1.0 attributes and the cause, all inside the JSON value (record
 * headers cost about a quarter of the throughput; ADR 0003). `specversion`, `datacontenttype` and
 * `dataschema` follow from the type and are written on export only.
 */

/** `(source topic with generation, partition, offset, index)` of the input that made an output. */
export type Cause = readonly [topic: string, partition: number, offset: number, index: number];

export interface Envelope<Type extends string = string, Data = unknown> {
  readonly type: Type;
  /** Fold outputs: derived from the cause. Other records: made by their writer. */
  readonly id: string;
  /** Who wrote it. A fold writes its name, never its instance: two owners write equal bytes. */
  readonly source: string;
  /** When it happened by the writer's knowledge; for a fold, its log time. Unix ms. */
  readonly timeMs: number;
  readonly cause?: Cause;
  /** W3C `traceparent` of the request that started this; absent where it is not recorded. */
  readonly trace?: string | undefined;
  readonly data: Data;
}

export function idOfCause(cause: Cause): string {
  return `${cause[0]}/${cause[1]}/${cause[2]}/${cause[3]}`;
}

/** True when `cause` is not greater than what was applied from the same source. */
export function isApplied(
  applied: { readonly offset: number; readonly index: number } | undefined,
  cause: Cause,
): boolean {
  if (applied === undefined) return false;
  return cause[2] < applied.offset || (cause[2] === applied.offset && cause[3] <= applied.index);
}
