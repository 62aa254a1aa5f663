import { fail } from '@paycrawl/errors/paycrawl-error';
import type { Appended, EventLog } from '@paycrawl/event-log/event-log';
import { encodeEvent, type RegistryEvent } from '@paycrawl/events/event';
import { registrySource } from './registry-view.js';

/** These are rare: each has a producer of its own, so that one failure spoils no other. */
export async function appendRegistry(
  log: EventLog,
  key: string,
  event: RegistryEvent,
): Promise<Appended> {
  const producer = log.producer();
  try {
    const record = { ...registrySource, key, value: encodeEvent(event) };
    const [appended] = await producer.append([record]);
    if (appended === undefined) throw fail('log_unavailable', 'The log told no position');
    return appended;
  } finally {
    await producer.close();
  }
}
