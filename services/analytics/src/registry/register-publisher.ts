import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { fail } from '@paycrawl/errors/paycrawl-error';
import type { EventLog } from '@paycrawl/event-log/event-log';
import type { EventOfType } from '@paycrawl/events/event';
import { projectionName } from '../projection/projection-fold.js';
import type { AssetBook } from '../read/asset-book.js';
import { appendRegistry } from './append-registry.js';
import type { RegistryView } from './registry-view.js';

type Registered = EventOfType<'PublisherRegistered'>['data'];

export interface Registration {
  readonly publisher: Registered;
  readonly nowMs: number;
}

export interface RegistrationContext {
  readonly log: EventLog;
  readonly registry: RegistryView;
  readonly assets: AssetBook;
}

/**
 * Answers when the registration is durable and this process has read it back; the same once more
 * writes nothing. Fails with `publisher_invalid` or `publisher_host_taken`.
 */
export async function registerPublisher(
  { log, registry, assets }: RegistrationContext,
  { publisher, nowMs }: Registration,
): Promise<Registered> {
  const checked = checkedPublisher(publisher, assets);
  const { publisherId, hosts } = checked;
  for (const other of registry.publishers()) {
    if (other.id === publisherId) continue;
    const taken = other.hosts.find((host) => hosts.includes(host.toLowerCase()));
    if (taken === undefined) continue;
    throw fail('publisher_host_taken', `${taken} belongs to another publisher`);
  }
  if (isDeepStrictEqual(registry.publisher(publisherId)?.registered, checked)) return checked;
  const { offset } = await appendRegistry(log, publisherId, {
    type: 'PublisherRegistered',
    id: randomUUID(),
    source: projectionName,
    timeMs: nowMs,
    data: checked,
  });
  await registry.caughtUp(offset);
  return checked;
}

/** In one form, so that equal registrations are equal; what the ingress could not use is refused. */
function checkedPublisher(publisher: Registered, { assets }: AssetBook): Registered {
  const { publisherId, name, network } = publisher;
  const asset = publisher.asset.toLowerCase();
  const payTo = publisher.payTo.toLowerCase();
  const hosts = publisher.hosts.map((host) => host.toLowerCase());
  if (new Set(hosts).size < hosts.length) throw invalid('a host stands twice in hosts');
  if (!assets.some(({ id }) => id === `${network}/erc20:${asset}`)) {
    throw invalid('network and asset are none that this platform counts (ASSETS)');
  }
  if (/^0x0*$/.test(payTo)) throw invalid('payTo is nobody’s address');
  const origin = originOf(publisher.origin);
  return { publisherId, name, hosts, origin, network, asset, payTo };
}

/** Scheme and authority of one server, and nothing else. */
function originOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isWeb = url?.protocol === 'http:' || url?.protocol === 'https:';
  if (url === undefined || !isWeb) throw invalid('origin is no http or https URL');
  const { username, password, pathname, search, hash } = url;
  if (username !== '' || password !== '') throw invalid('origin has credentials in it');
  if (pathname !== '/' || search !== '' || hash !== '') throw invalid('origin has a path in it');
  return url.origin;
}

function invalid(detail: string) {
  return fail('publisher_invalid', detail);
}
