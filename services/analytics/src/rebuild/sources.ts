import { fail } from '@paycrawl/errors/paycrawl-error';
import type { EventLog, TopicPartition } from '@paycrawl/event-log/event-log';
import { generation, topicDefinitions } from '@paycrawl/events/topics';
import type { Warehouse } from '@paycrawl/warehouse/warehouse';
import { sourcesOf } from '../projection/projection.js';

export interface Sources {
  /** The longest first. */
  readonly refolded: readonly TopicPartition[];
  /** The log forgot their beginning: `topic/partition`. */
  readonly carried: readonly string[];
}

export async function findSources(log: EventLog): Promise<Sources> {
  const counts = new Map((await log.topics()).map(({ name, partitions }) => [name, partitions]));
  const refolded: (TopicPartition & { readonly records: number })[] = [];
  const carried: string[] = [];
  for (const { fold, topic } of sourcesOf(generation())) {
    for (let partition = 0; partition < (counts.get(topic) ?? 0); partition += 1) {
      const { earliest, next } = await log.offsets({ topic, partition });
      if (earliest === 0) refolded.push({ topic, partition, records: next });
      else if (topicDefinitions[fold.input].retention === 'a_time') {
        carried.push(`${topic}/${partition}`);
      } else {
        const detail = `${topic}/${partition} begins at ${earliest}: its history is not in this log`;
        throw fail('warehouse_rebuild_impossible', detail);
      }
    }
  }
  refolded.sort((a, b) => b.records - a.records);
  return { refolded, carried };
}

/**
 * Is this the log that the served tables tell of? Another one (a wrong data folder, a topic of an
 * older generation) would replace them by something smaller, and nothing compared would differ.
 */
export async function checkSameLog(
  log: EventLog,
  warehouse: Warehouse,
  { refolded, carried }: Sources,
): Promise<void> {
  const known = new Map<string, TopicPartition>();
  for (const place of refolded) known.set(`${place.topic}/${place.partition}`, place);
  const served = await warehouse.query<{ topic: string; partition: number; newest: string }>(
    `SELECT log_topic AS topic, log_partition AS partition, max(log_offset) AS newest
     FROM event_index GROUP BY topic, partition`,
  );
  for (const { topic, partition, newest } of served) {
    const source = `${topic}/${partition}`;
    if (carried.includes(source)) continue;
    const place = known.get(source);
    const next = place === undefined ? 0 : (await log.offsets(place)).next;
    if (BigInt(newest) < BigInt(next)) continue;
    const detail = `${source} is served up to ${newest}; this log has it up to ${next}`;
    throw fail('warehouse_rebuild_impossible', detail);
  }
}
