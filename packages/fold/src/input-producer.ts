import { hasCode } from '@paycrawl/errors/paycrawl-error';
import type { EventLog, Producer } from '@paycrawl/event-log/event-log';

/**
 * For records that are no fold's output (the time, intents, observations): their writer says again
 * what was not acknowledged, so a producer that failed is replaced by a new one. Outputs are
 * another matter: after a failed write of theirs the owner folds again.
 */
export function createInputProducer(log: EventLog): Producer {
  let producer: Producer | undefined;
  return {
    async append(records) {
      producer ??= log.producer();
      const used = producer;
      try {
        return await used.append(records);
      } catch (error) {
        // Nothing of an overload was written, and its producer is as good as before.
        if (!hasCode(error, 'log_overloaded') && producer === used) {
          producer = undefined;
          void used.close().catch(() => {});
        }
        throw error;
      }
    },
    async close() {
      await producer?.close();
    },
  };
}
