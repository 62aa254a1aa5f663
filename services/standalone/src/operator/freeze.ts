import { fail } from '@paycrawl/errors/paycrawl-error';
import type { EventLog } from '@paycrawl/event-log/event-log';
import { decodeEvent } from '@paycrawl/events/event';
import { payerId } from '@paycrawl/events/ids';
import { physicalTopic } from '@paycrawl/events/topics';
import { operate, type Written } from '../operate.js';

export interface FreezeWish {
  readonly isFrozen: boolean;
  readonly kind: string;
  readonly id: string;
  readonly reason: string;
  /** Also a publisher that the registry does not know: an account of the facilitator. */
  readonly isUnknownAllowed: boolean;
  readonly nowMs: number;
}

export interface Frozen {
  /** As the log names it. */
  readonly id: string;
  readonly written: readonly Written[];
}

/** Puts the wish into the log, in every partition that has to know it; again does no harm. */
export async function freeze(log: EventLog, wish: FreezeWish): Promise<Frozen> {
  const { isFrozen, kind, reason, nowMs } = wish;
  const suffix = isFrozen ? 'Frozen' : 'Unfrozen';
  switch (kind) {
    case 'payer': {
      const payer = await payerOf(log, wish.id);
      return { id: payer, written: await operate(log, `Payer${suffix}`, { payer, reason }, nowMs) };
    }
    case 'publisher': {
      const publisherId = await publisherOf(log, wish);
      const data = { publisherId, reason };
      return { id: publisherId, written: await operate(log, `Publisher${suffix}`, data, nowMs) };
    }
    case 'signer': {
      const signer = wish.id.toLowerCase();
      const data = { signer, reason };
      return { id: signer, written: await operate(log, `Signer${suffix}`, data, nowMs) };
    }
    default:
      throw fail('operator_usage', `${kind} is neither payer, publisher nor signer`);
  }
}

const addressGrammar = /^0x[0-9a-f]{40}$/;

/** A bare address is one of the network that all publishers are paid on. */
async function payerOf(log: EventLog, text: string): Promise<string> {
  const id = text.toLowerCase();
  if (!addressGrammar.test(id)) return id;
  const networks = new Set((await readPublishers(log)).values());
  const [network] = networks;
  if (networks.size === 1 && network !== undefined) return payerId(network, id);
  throw fail('operator_target_unknown', `name the network: eip155:<chain id>:${id}`);
}

async function publisherOf(log: EventLog, { id, isUnknownAllowed }: FreezeWish): Promise<string> {
  const publishers = await readPublishers(log);
  if (publishers.has(id) || isUnknownAllowed) return id;
  const known = [...publishers.keys()].slice(0, 20).join(', ');
  throw fail('operator_target_unknown', `the registry knows no publisher ${id}, but: ${known}`);
}

/** The network of each publisher, as registered last. */
async function readPublishers(log: EventLog): Promise<ReadonlyMap<string, string>> {
  const place = { topic: physicalTopic('registry'), partition: 0 };
  const publishers = new Map<string, string>();
  const { earliest, next } = await log.offsets(place);
  for (let offset = earliest; offset < next; ) {
    const records = await log.read(place, offset, 1_000);
    for (const { value } of records) {
      const decoded = decodeEvent(value);
      if (decoded.kind !== 'event' || decoded.event.type !== 'PublisherRegistered') continue;
      publishers.set(decoded.event.data.publisherId, decoded.event.data.network);
    }
    offset = (records.at(-1)?.offset ?? next) + 1;
  }
  return publishers;
}
