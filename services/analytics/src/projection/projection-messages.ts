import type { PartitionProgress } from './projection.js';

/** What the projection's thread is told at its start. */
export interface ThreadSetup {
  readonly logDirectory: string;
  readonly warehouseDirectory: string;
  readonly storeDirectory: string;
  readonly flushIntervalMs: number;
  readonly checkpointIntervalMs: number;
  readonly blockOutputsMax: number;
}

export type ToThread =
  | { readonly ask: 'progress'; readonly id: number }
  | { readonly ask: 'close'; readonly id: number };

export type FromThread =
  | { readonly tell: 'started' }
  | { readonly tell: 'flushed'; readonly publishers: readonly string[]; readonly oldestMs: number }
  | { readonly tell: 'fatal'; readonly message: string }
  | {
      readonly tell: 'answer';
      readonly id: number;
      readonly progress: readonly PartitionProgress[];
    };
