import { fail } from '@paycrawl/errors/paycrawl-error';
import type { EventLog } from '@paycrawl/event-log/event-log';
import type { Warehouse } from '@paycrawl/warehouse/warehouse';
import type { FastifyRequest } from 'fastify';
import { requirePublisher } from '../access/authorize.js';
import type { TokenBook } from '../access/tokens.js';
import type { LiveHub } from '../live/live-hub.js';
import type { AssetBook } from '../read/asset-book.js';
import type { Reconciler } from '../reconcile/reconciler.js';
import type { Publisher, RegistryView } from '../registry/registry-view.js';

/** What the routes work with; made in service.ts, or by a test. */
export interface ApiContext {
  readonly warehouse: Warehouse;
  readonly log: EventLog;
  readonly assets: AssetBook;
  readonly registry: RegistryView;
  readonly tokens: TokenBook;
  readonly reconciler: Reconciler;
  readonly live: LiveHub;
  /** Built files of the console; without them `/` says so. */
  readonly consoleDirectory: string;
  clock(): number;
}

/** First the right to ask, then whether it exists: a stranger learns nothing. */
export function readablePublisher(
  { registry }: ApiContext,
  request: FastifyRequest,
  id: string,
): Publisher {
  requirePublisher(request, id);
  const publisher = registry.publisher(id);
  if (publisher === undefined) throw fail('publisher_not_found', 'Not registered');
  return publisher;
}
