import { hasCode } from '@paycrawl/errors/paycrawl-error';
import type { EventLog, Producer, ProducerOptions } from './event-log.js';
import { isRefusal } from './refusal.js';

/**
 * A producer for records of which each stands for itself. One that failed is finished: it is
 * discarded and the next append has a new one. Not for outputs of a fold, where nothing later may
 * be written after a failure.
 */
export function createRenewingProducer(log: EventLog, options?: ProducerOptions): Producer {
  let producer: Producer | undefined;
  return {
    async append(records) {
      producer ??= log.producer(options);
      const used = producer;
      try {
        return await used.append(records);
      } catch (error) {
        const isFinished = hasCode(error, 'log_unavailable') || isRefusal(error);
        if (producer === used && isFinished) {
          producer = undefined;
          // It will write nothing more; whether it closes cleanly changes nothing.
          void used.close().catch(() => undefined);
        }
        throw error;
      }
    },
    discard() {
      producer?.discard();
      producer = undefined;
    },
    async close() {
      const used = producer;
      producer = undefined;
      await used?.close();
    },
  };
}
