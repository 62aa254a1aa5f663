import type { EventLog, LogRecord, NewRecord, Producer } from '@paycrawl/event-log/event-log';
import { idOfCause } from '@paycrawl/events/envelope';
import { type AnyEvent, encodeEvent } from '@paycrawl/events/event';
import { physicalTopic } from '@paycrawl/events/topics';
import type { Caused, LogOutput, Sink } from './fold.js';

/** Answers go out before outputs are durable: a few milliseconds here delay nobody. */
const lingerMs = 25;

/**
 * Writes outputs to the partition number that the fold reads; dead letters have one partition.
 * Outputs of a fold need a producer that ends with its first failure, as those of a log do.
 */
export function createLogSink(
  log: EventLog,
  source: string,
  producer: Producer = log.producer({ lingerMs }),
): Sink<LogOutput> {
  return {
    async write(outputs, partition) {
      await producer.append(outputs.map((caused) => recordOf(caused, partition, source)));
    },
    close: () => producer.close(),
  };
}

function recordOf(
  { output, cause, nowMs, trace }: Caused<LogOutput>,
  partition: number,
  source: string,
): NewRecord {
  return {
    topic: physicalTopic(output.topic),
    partition: output.topic === 'dead-letters' ? 0 : partition,
    key: output.key,
    value: encodeEvent(eventOf(output, { cause, nowMs, trace, source })),
  };
}

export function eventOf(
  output: LogOutput,
  { cause, nowMs, trace: ofRecord, source }: Omit<Caused<unknown>, 'output'> & { source: string },
): AnyEvent {
  const trace = output.trace === undefined ? ofRecord : (output.trace ?? undefined);
  const { type, data } = output;
  const event = { type, id: idOfCause(cause), source, timeMs: nowMs, cause, data };
  return (trace === undefined ? event : Object.assign(event, { trace })) as AnyEvent;
}

export function deadLetterOf(consumer: string) {
  return (record: LogRecord, code: string, detail: string): LogOutput => ({
    topic: 'dead-letters',
    key: `${record.topic}/${record.partition}`,
    type: 'RecordDeadLettered',
    data: {
      consumer,
      code,
      detail: detail.slice(0, 1000),
      topic: record.topic,
      partition: record.partition,
      offset: record.offset,
      key: record.key.slice(0, 1000),
      valueBase64: record.value.toString('base64'),
    },
  });
}
