/** What a replay of a fold's input from offset 0 found. */
export interface Replayed {
  readonly fold: string;
  readonly topic: string;
  readonly records: number;
  /** Of the state at the end. */
  readonly entries: number;
  readonly bytes: number;
  /** Seconds: of a process that just started, and the least that it came to. */
  readonly firstS: number;
  readonly bestS: number;
  /** Between the owners' state and this one. */
  readonly differences: readonly string[];
}
