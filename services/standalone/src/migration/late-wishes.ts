import type { NewRecord } from '@paycrawl/event-log/event-log';
import { physicalTopic } from '@paycrawl/events/topics';
import { isOperatorEvent, partitionsFor } from '../operate.js';
import { afterClose, type Closed, causelessOf, partitionsOf } from './after-close.js';

interface Wish {
  readonly id: string;
  readonly data: unknown;
  readonly value: Buffer;
  /** When the log had it first; copies stand in several partitions. */
  atMs: number;
}

const topics = ['payments', 'charges'] as const;

/**
 * What operators wrote into the old generation after it was closed (a freeze, a release) is
 * appended to the one that follows: in the order in which the log had it, each once in every
 * partition that it concerns there. Unlike an outcome a freeze is not harmless a second time, as it
 * may have been taken back since; so what stands there already is looked for by its id.
 */
export async function carryWishes(closed: Closed): Promise<number> {
  let carried = 0;
  for (const topic of topics) {
    const wishes = await wishesOf(closed, topic);
    if (wishes.length === 0) continue;
    const records = await missing(closed, topic, wishes);
    carried += new Set(records.map(({ id }) => id)).size;
    const producer = closed.log.producer();
    try {
      // One at a time: their order is what they mean.
      for (const { record } of records) await producer.append([record]);
    } finally {
      await producer.close();
    }
  }
  return carried;
}

async function wishesOf(closed: Closed, topic: (typeof topics)[number]): Promise<Wish[]> {
  const found = new Map<string, Wish>();
  for await (const { event, record } of afterClose(closed, topic)) {
    if (!isOperatorEvent(event.type)) continue;
    const { id, data } = event;
    const wish = found.get(id);
    if (wish !== undefined) wish.atMs = Math.min(wish.atMs, record.timestampMs);
    else found.set(id, { id, data, value: Buffer.from(record.value), atMs: record.timestampMs });
  }
  return [...found.values()].sort((a, b) => a.atMs - b.atMs);
}

async function missing(
  { log, generation, partitions }: Closed,
  topic: (typeof topics)[number],
  wishes: readonly Wish[],
): Promise<{ id: string; record: NewRecord }[]> {
  const target = physicalTopic(topic, generation + 1);
  const present = new Set<string>();
  for await (const source of partitionsOf(log, target)) {
    for await (const { event } of causelessOf(log, source)) {
      if (isOperatorEvent(event.type)) present.add(`${source.partition}/${event.id}`);
    }
  }
  return wishes.flatMap(({ id, data, value }) =>
    partitionsFor(data, partitions)
      .filter((partition) => !present.has(`${partition}/${id}`))
      .map((partition) => ({ id, record: { topic: target, partition, key: '', value } })),
  );
}
