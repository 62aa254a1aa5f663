import type { EventLog } from '@paycrawl/event-log/event-log';
import { createRenewingProducer } from '@paycrawl/event-log/renewing-producer';
import type { LogOutput, Sink } from '@paycrawl/fold/fold';
import { createLogSink } from '@paycrawl/fold/log-sink';
import { projectionName } from './projection-fold.js';

/**
 * Dead letters go with the block that holds their records, which is written again until it is
 * durable: a failure of the log must not be the last word of the producer.
 */
export function createDeadLetterSink(log: EventLog): Sink<LogOutput> {
  return createLogSink(log, projectionName, { producer: createRenewingProducer(log) });
}
