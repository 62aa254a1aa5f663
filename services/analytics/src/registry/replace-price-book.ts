import { randomUUID } from 'node:crypto';
import { fail } from '@paycrawl/errors/paycrawl-error';
import type { EventLog } from '@paycrawl/event-log/event-log';
import { readPriceBook } from '@paycrawl/pricing/price-book';
import { projectionName } from '../projection/projection-fold.js';
import { appendRegistry } from './append-registry.js';
import type { RegistryView, VersionedBook } from './registry-view.js';

export interface Replacement {
  readonly publisher: string;
  readonly expectedVersion: number;
  readonly priceBook: unknown;
  readonly nowMs: number;
}

/** Answers when the new book is durable and is the one in force; otherwise `price_book_conflict`. */
export async function replacePriceBook(
  log: EventLog,
  registry: RegistryView,
  { publisher, expectedVersion, priceBook, nowMs }: Replacement,
): Promise<VersionedBook> {
  const checked = readPriceBook(priceBook);
  const present = registry.priceBook(publisher)?.version ?? 0;
  if (present !== expectedVersion) throw conflict(present);
  const appended = await appendRegistry(log, publisher, {
    type: 'PriceBookReplaced',
    id: randomUUID(),
    source: projectionName,
    timeMs: nowMs,
    data: { publisherId: publisher, version: expectedVersion + 1, book: { ...checked } },
  });
  await registry.caughtUp(appended.offset);
  const inForce = registry.priceBook(publisher);
  if (inForce?.offset !== appended.offset) throw conflict(inForce?.version ?? 0);
  return inForce;
}

function conflict(version: number) {
  return fail('price_book_conflict', `Version ${version} is in force`, { context: { version } });
}
