import { fail } from '@paycrawl/errors/paycrawl-error';
import type { EventLog } from '@paycrawl/event-log/event-log';
import { createMemoryLog } from '@paycrawl/event-log/memory-log';
import { physicalTopic, topicConfigs } from '@paycrawl/events/topics';
import { deadLetterOf } from '@paycrawl/fold/log-sink';
import { expect, it } from 'vitest';
import { createDeadLetterSink } from './dead-letter-sink.js';
import { projectionName } from './projection-fold.js';

/** A log whose first append is not acknowledged, and whose failed producers write nothing more. */
async function losingLog(): Promise<EventLog> {
  const log = createMemoryLog({ clock: () => 1 });
  await log.createTopics(topicConfigs({ payer: 1, publisher: 1 }, 1000));
  let isLost = false;
  return {
    ...log,
    producer: (options) => {
      const producer = log.producer(options);
      let isFinished = false;
      return {
        ...producer,
        async append(records) {
          if (isFinished) throw fail('log_unavailable', 'the producer is finished');
          if (isLost) return producer.append(records);
          isLost = true;
          isFinished = true;
          throw fail('log_unavailable', 'not acknowledged');
        },
      };
    },
  };
}

it('behavior: a block with a dead letter that failed once is written by the next try', async () => {
  const log = await losingLog();
  const sink = createDeadLetterSink(log);
  const place = { topic: 'decisions.1', partition: 0, offset: 7, key: '' };
  const record = { ...place, timestampMs: 1, value: Buffer.from('torn') };
  const output = deadLetterOf(projectionName)(record, 'record_unreadable', 'not JSON');
  const caused = { output, cause: ['decisions.1', 0, 7, 0], nowMs: 1, trace: undefined } as const;
  await expect(sink.write([caused], 0)).rejects.toMatchObject({ code: 'log_unavailable' });
  await sink.write([caused], 0);
  const written = { topic: physicalTopic('dead-letters'), partition: 0 };
  expect(await log.read(written, 0, 10)).toHaveLength(1);
  await sink.close();
});
