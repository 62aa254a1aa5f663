import type { EventLog, LogRecord, TopicConfig } from '@paycrawl/event-log/event-log';
import { encodeEvent } from '@paycrawl/events/event';
import { physicalTopic, topicConfigs } from '@paycrawl/events/topics';

/** Records of many kinds: bytes that are no text, empty keys, several of one moment. */
export async function fill(log: EventLog): Promise<void> {
  await log.createTopics([
    ...topicConfigs({ payer: 2, publisher: 2 }, 24 * 3_600_000),
    // A generation before, and a topic of somebody else.
    { name: 'payments.2', partitions: 3, retentionMs: 'forever' },
    { name: 'wakeups-ingress-1', partitions: 1, retentionMs: 60_000 },
  ]);
  const producer = log.producer();
  const time = { type: 'TimePassed', source: 'test', timeMs: 1, data: {} } as const;
  const text = (id: string) => encodeEvent({ ...time, id });
  const output = (offset: number) =>
    encodeEvent({ ...time, id: '', cause: [physicalTopic('payments'), 1, offset, 0] });
  for (let n = 0; n < 50; n++) {
    await producer.append([
      { topic: physicalTopic('payments'), partition: 1, key: 'kéy', value: text(`é ${n}`) },
      { topic: physicalTopic('payments'), partition: 1, key: '', value: Buffer.of(0xff, n, 0) },
      { topic: physicalTopic('decisions'), partition: 1, key: 'k', value: output(2 * n) },
      { topic: 'payments.2', partition: 2, key: 'k', value: text(`second ${n}`) },
    ]);
  }
  await producer.close();
}

/** Everything that a log holds, in words. */
export async function contentOf(log: EventLog): Promise<Record<string, unknown>> {
  const content: Record<string, unknown> = {};
  const isOurs = ({ name }: TopicConfig) => !name.startsWith('wakeups') && !name.startsWith('_');
  const topics = (await log.topics()).filter(isOurs);
  for (const { name, partitions, retentionMs } of topics.sort((a, b) =>
    a.name < b.name ? -1 : 1,
  )) {
    for (let partition = 0; partition < partitions; partition++) {
      const place = { topic: name, partition };
      const { earliest, next } = await log.offsets(place);
      const records: LogRecord[] = [];
      for (let offset = earliest; offset < next; ) {
        const read = await log.read(place, offset, 1_000);
        records.push(...read);
        offset = (read.at(-1)?.offset ?? next) + 1;
      }
      const told = records.map(
        ({ offset, timestampMs, key, value }) =>
          `${offset} ${timestampMs} ${key} ${value.toString('hex')}`,
      );
      content[`${name}/${partition}`] = { retentionMs, earliest, next, told };
    }
  }
  return content;
}
