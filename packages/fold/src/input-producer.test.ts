import { fail } from '@paycrawl/errors/paycrawl-error';
import type { EventLog } from '@paycrawl/event-log/event-log';
import { createMemoryLog } from '@paycrawl/event-log/memory-log';
import { expect, it } from 'vitest';
import { createInputProducer } from './input-producer.js';

const place = { topic: 'input', partition: 0 };
const record = { ...place, key: 'time', value: Buffer.from('{}') };

/** Producers of a log that lose an acknowledgement, or are overloaded, and count themselves. */
async function logThatFails(code: 'log_unavailable' | 'log_overloaded') {
  const log = createMemoryLog({ clock: () => 1 });
  await log.createTopics([{ name: place.topic, partitions: 1, retentionMs: 'forever' }]);
  const made = { producers: 0, failsLeft: 1 };
  const failing: EventLog = {
    ...log,
    producer: () => {
      made.producers += 1;
      const producer = log.producer();
      let isFinished = false;
      return {
        ...producer,
        async append(records) {
          // As the port promises: after one failure nothing later is written through it.
          if (isFinished) throw fail('log_unavailable', 'the producer is finished');
          if (made.failsLeft-- <= 0) return producer.append(records);
          isFinished = code === 'log_unavailable';
          throw fail(code, 'this once');
        },
      };
    },
  };
  return { log: failing, made };
}

it('behavior: after a failed append the next one goes through a new producer', async () => {
  const { log, made } = await logThatFails('log_unavailable');
  const input = createInputProducer(log);
  await expect(input.append([record])).rejects.toMatchObject({ code: 'log_unavailable' });
  await expect(input.append([record])).resolves.toMatchObject([{ offset: 0 }]);
  expect(made.producers).toBe(2);
  await input.close();
});

it('behavior: an overload is no end of a producer', async () => {
  const { log, made } = await logThatFails('log_overloaded');
  const input = createInputProducer(log);
  await expect(input.append([record])).rejects.toMatchObject({ code: 'log_overloaded' });
  await expect(input.append([record])).resolves.toMatchObject([{ offset: 0 }]);
  expect(made.producers).toBe(1);
  await input.close();
});
