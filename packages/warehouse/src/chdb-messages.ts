import type { Parameters } from './warehouse.js';

/** What the main thread and a chdb worker say to each other. */
export interface WorkerSetup {
  readonly directory: string;
  readonly connectionArgs: readonly string[];
}

export type WorkerCommand =
  | { readonly do: 'query'; readonly sql: string; readonly parameters: Parameters }
  | {
      readonly do: 'insert';
      readonly table: string;
      readonly columns: readonly string[];
      readonly format: 'JSONCompactEachRow' | 'Native';
      readonly payload: Uint8Array;
    }
  | { readonly do: 'close' };

export type WorkerRequest = WorkerCommand & { readonly id: number };

export type WorkerReply =
  | { readonly id: number; readonly outcome: 'done'; readonly text: string }
  | {
      readonly id: number;
      readonly outcome: 'failed';
      readonly message: string;
      /** ClickHouse's error number, where the engine gave one. */
      readonly engineCode: number | undefined;
    };
