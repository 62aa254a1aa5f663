import type { EventLog } from '@paycrawl/event-log/event-log';

/** A log whose appends cost nothing: what is left is the fold itself. For benches only. */
export function discardingLog(): EventLog {
  let offset = 0;
  const producer = {
    append: async (records: readonly { topic: string; partition: number }[]) =>
      records.map(({ topic, partition }) => ({
        topic,
        partition,
        offset: offset++,
        timestampMs: 0,
      })),
    close: async () => {},
  };
  return { producer: () => producer } as unknown as EventLog;
}
