import { fail } from '@paycrawl/errors/paycrawl-error';
import type { Database, Key } from 'lmdb';

/**
 * A write transaction whose failure can be awaited. lmdb rejects with a general error that carries
 * a second promise (`commitError`) with the real one; unless somebody takes that rejection, Node
 * ends the process.
 */
export async function transact<T, V, K extends Key>(db: Database<V, K>, work: () => T): Promise<T> {
  try {
    return await db.transaction(work);
  } catch (error) {
    throw await realCause(error);
  }
}

async function realCause(error: unknown): Promise<unknown> {
  if (!(error instanceof Error) || !('commitError' in error)) return error;
  try {
    await error.commitError;
    return error;
  } catch (cause) {
    return fail('log_unavailable', 'The event log could not be written.', { cause });
  }
}
