import { type AnyEvent, decodeEvent, encodeEvent } from '@paycrawl/events/event';
import { meteringFold } from '@paycrawl/metering/books/decide';
import { admission } from '@paycrawl/verifier/admission/decide';
import { type CrawlWorld, eventsOf, fundsOf, proofOf } from './crawl-world.js';
import { eventsIn, openFolding, requireTypes } from './fold-events.js';

/** Every event of `crawls` paid crawls, made by the folds themselves, by the topic they stand in. */
export interface CrawlLog {
  readonly crawls: number;
  /** Of every payer, before the first crawl. */
  readonly funds: readonly AnyEvent[];
  readonly payments: readonly AnyEvent[];
  readonly decisions: readonly AnyEvent[];
  readonly ledger: readonly AnyEvent[];
  readonly charges: readonly AnyEvent[];
}

export function crawlLogOf(world: CrawlWorld, crawls: number, nowMs: number): CrawlLog {
  const funds = read(fundsOf(world, nowMs));
  const payments = read(
    Array.from({ length: crawls }, (_, index) => {
      const { received, delivered } = eventsOf(world, proofOf(world, world.sign(index)), index);
      return [received, delivered];
    }).flat(),
  );
  const verifier = openFolding(admission, nowMs);
  verifier.feed(funds);
  const decisions = read(eventsIn(verifier.feed(payments), 'decisions', 'verifier'));
  const metered = openFolding(meteringFold, nowMs).feed(decisions);
  const ledger = read(eventsIn(metered, 'ledger', 'metering'));
  const charges = read(eventsIn(metered, 'charges', 'metering'));
  requireTypes(payments, ['ProofReceived', 'CrawlDelivered']);
  requireTypes(decisions, ['PaymentAccepted', 'ChargePosted']);
  requireTypes(ledger, ['LedgerPosted']);
  requireTypes(charges, ['ChargeDue']);
  return { crawls, funds, payments, decisions, ledger, charges };
}

/** As they come out of the log. */
function read(events: readonly AnyEvent[]): AnyEvent[] {
  return events.map((event) => {
    const decoded = decodeEvent(encodeEvent(event));
    return decoded.kind === 'event' ? decoded.event : event;
  });
}

/** All of one type, in the order of the crawls. */
export function ofType(log: CrawlLog, type: AnyEvent['type']): AnyEvent[] {
  const { payments, decisions, ledger, charges } = log;
  return [...payments, ...decisions, ...ledger, ...charges].filter((event) => event.type === type);
}

/** In the order in which they come. */
export const crawlEventTypes = [
  ...(['ProofReceived', 'PaymentAccepted', 'CrawlDelivered', 'ChargePosted'] as const),
  ...(['LedgerPosted', 'ChargeDue'] as const),
];
