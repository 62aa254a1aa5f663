import type { EventLog, LogRecord, NewRecord, Producer } from '@paycrawl/event-log/event-log';
import { handOver } from '@paycrawl/events/decode-once';
import { idOfCause } from '@paycrawl/events/envelope';
import { type AnyEvent, type EventType, encodeEvent } from '@paycrawl/events/event';
import { physicalTopic } from '@paycrawl/events/topics';
import type { Caused, LogOutput, Sink } from './fold.js';

/** Answers go out before outputs are durable: a few milliseconds here delay nobody. */
const lingerMs = 25;

export interface LogSinkOptions {
  /** Outputs of a fold need one that ends with its first failure, as those of a log do. */
  readonly producer?: Producer;
  /** Types that others of this process read, and that `handOver` may be given. */
  readonly handsOver?: ReadonlySet<EventType>;
}

/** Writes outputs to the partition number that the fold reads; dead letters have one partition. */
export function createLogSink(
  log: EventLog,
  source: string,
  { producer = log.producer({ lingerMs }), handsOver = new Set() }: LogSinkOptions = {},
): Sink<LogOutput> {
  const recordOf = (caused: Caused<LogOutput>, partition: number): NewRecord => {
    const { output, cause, nowMs, trace } = caused;
    const event = eventOf(output, { cause, nowMs, trace, source });
    const value = encodeEvent(event);
    if (handsOver.has(event.type)) handOver(value, event);
    return {
      topic: physicalTopic(output.topic),
      partition: output.topic === 'dead-letters' ? 0 : partition,
      key: output.key,
      value,
    };
  };
  return {
    async write(outputs, partition) {
      await producer.append(outputs.map((caused) => recordOf(caused, partition)));
    },
    close: () => producer.close(),
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
