import type { Load } from './load.js';
import type { FaultPlatform, PlatformOptions } from './platform.js';

/** A row of the matrix: one kind of fault, in one file of `rows/`. */
export interface FaultRow {
  readonly name: string;
  /** What the row promises, in a few words; printed above its cases. */
  readonly mustHold: string;
  /** CI runs each row once with what the seed draws; `--all` everything. */
  cases(choice: Choice): readonly FaultCase[];
}

export interface FaultCase {
  readonly name: string;
  /** Of the case alone; the audit afterwards has its own time. */
  readonly timeoutMs: number;
  /** Answers beside 200, 402 and 503 that crawlers rightly get. */
  readonly statuses?: readonly string[];
  /** Absent: the platform that the cases share. Else one of its own, removed afterwards. */
  readonly platform?: PlatformOptions;
  /** What the audit afterwards is started with, where today's program cannot read the log. */
  readonly audit?: Readonly<Record<string, string>>;
  /** The load runs already and goes on; when it returns, load is stopped and the books audited. */
  run(context: FaultContext): Promise<FaultFigures>;
}

export interface Choice {
  readonly isAll: boolean;
  /** From 0 to 1, from the printed seed: the only source of chance. */
  random(): number;
}

export interface FaultContext extends Choice {
  readonly platform: FaultPlatform;
  readonly load: Load;
  /** More load, on one till alone: connections of a balancer stay where they are. */
  loadAt(till: string): Load;
  /** A limit on time, times `FAULT_PATIENCE` (1; more on a machine that does other things). */
  limitMs(ms: number): number;
}

/** What the case measured; requests, 503s, charges and the verdict are added by the harness. */
export interface FaultFigures {
  /** The longest time that a crawler went without a page it paid for, since the fault. */
  readonly gapMs?: number | undefined;
  /** Anything else worth a cell: "back after 1.2 s", "12 re-driven". */
  readonly note?: string | undefined;
  /** Of the audit, where it was made by the case: its log is another one by now. */
  readonly verdict?: string | undefined;
}

/** One of them, by the seed. */
export function drawn<One>(from: readonly One[], { random }: Choice): One {
  return from[Math.floor(random() * from.length)] as One;
}

/** All of them, or one by the seed. */
export function allOrOne<One>(from: readonly One[], choice: Choice): readonly One[] {
  return choice.isAll ? from : [drawn(from, choice)];
}
