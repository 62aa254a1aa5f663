import type { EventLog, LogRecord } from '@paycrawl/event-log/event-log';
import type { Caused, LogOutput, Sink } from '@paycrawl/fold/fold';
import { createLogSink } from '@paycrawl/fold/log-sink';
import type { Place, Planted } from '../planted.js';
import { plainLogOf } from '../processes.js';

type LogSink = Sink<LogOutput>;

/** Gives another sink to every fold that writes to the log. */
function sinks(make: (sink: LogSink, place: Place) => LogSink): Planted {
  return {
    sink: <Out>(sink: Sink<Out>, place: Place): Sink<Out> =>
      place.service === 'analytics'
        ? sink
        : (make(sink as unknown as LogSink, place) as unknown as Sink<Out>),
  };
}

function newSink(place: Place): LogSink {
  return createLogSink(plainLogOf(place), place.service);
}

function halves(outputs: readonly Caused<LogOutput>[]) {
  const middle = Math.ceil(outputs.length / 2);
  return [outputs.slice(0, middle), outputs.slice(middle)] as const;
}

/** The position is recorded although its outputs are only on their way. */
export const positionBeforeOutputs = sinks((sink) => ({
  ...sink,
  async write(outputs, partition) {
    sink.write(outputs, partition).catch(() => {});
  },
}));

export const twoBatchesInFlight = sinks((sink, place) => ({
  ...sink,
  async write(outputs, partition) {
    const [first, second] = halves(outputs);
    await Promise.all([
      sink.write(first, partition),
      second.length === 0 ? undefined : newSink(place).write(second, partition),
    ]);
  },
}));

/** The first part failed, the later one is written, then the first part again. */
export const laterWriteAfterFailed = sinks((_sink, place) => ({
  async write(outputs, partition) {
    const [first, second] = halves(outputs);
    const isWritten = await newSink(place)
      .write(first, partition)
      .then(
        () => true,
        () => false,
      );
    await newSink(place).write(second, partition);
    if (!isWritten) await newSink(place).write(first, partition);
  },
  close: async () => {},
}));

/**
 * A broker knows a repeated batch by its number: when another batch comes under the number of one
 * that it wrote and did not acknowledge, it says "known" and writes nothing of it.
 */
export const differentBatchAfterUnacknowledged = sinks((_sink, place) => ({
  async write(outputs, partition) {
    const [first, second] = halves(outputs);
    try {
      await newSink(place).write(first, partition);
    } catch (error) {
      const isKnown = first.every((one) => stands(place, one, partition));
      if (isKnown) return;
      throw error;
    }
    if (second.length > 0) await newSink(place).write(second, partition);
  },
  close: async () => {},
}));

function stands(
  { world }: Place,
  { output, cause }: Caused<LogOutput>,
  partition: number,
): boolean {
  const topic = `${output.topic}.1`;
  const text = `"cause":${JSON.stringify(cause)}`;
  return world.broker.all({ topic, partition }).some(({ value }) => value.includes(text));
}

/** Lets consumers read every record as `change` makes it. */
function read(change: (attributes: Attributes) => Attributes): Planted {
  const changed = (record: LogRecord): LogRecord => {
    const attributes = JSON.parse(record.value.toString()) as Attributes;
    if (attributes.cause === undefined) return record;
    return { ...record, value: Buffer.from(JSON.stringify(change(attributes))) };
  };
  return {
    log: (log): EventLog => ({
      ...log,
      joinGroup: (options) =>
        log.joinGroup({
          ...options,
          onRecords: (place, records) => options.onRecords(place, records.map(changed)),
        }),
    }),
  };
}

interface Attributes {
  readonly id?: string;
  readonly cause?: readonly [string, number, number, number];
}

export const noDropByCause = read(({ cause, ...rest }) => ({ ...rest, id: String(cause) }));

export const dropByOffsetWithoutIndex = read(({ cause, ...rest }) => ({
  ...rest,
  ...(cause === undefined ? {} : { cause: [cause[0], cause[1], cause[2], 0] as const }),
}));
