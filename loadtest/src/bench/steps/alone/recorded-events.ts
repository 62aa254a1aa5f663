import type { LogRecord } from '@paycrawl/event-log/event-log';
import { type AnyEvent, decodeEvent, encodeEvent } from '@paycrawl/events/event';
import { physicalTopic } from '@paycrawl/events/topics';
import type { Step } from '../budget.js';
import { cpuUsPerCall } from '../cpu-per-call.js';
import { crawlEventTypes } from '../crawl-events.js';
import type { FoldedLog, FoldedTopic, Told } from '../fold-steps.js';
import type { AloneService } from './alone-main.js';
import type { RecordedLog } from './recorded-log.js';

/** One partition tells the story of its payers; the others tell the same. */
const partition = 0;

/** What a whole platform wrote in one partition, settlement included, for the folds by themselves. */
export function recordedEvents(recorded: RecordedLog): FoldedLog {
  const times = new Map<AnyEvent, number>();
  const eventsOf = (records: readonly LogRecord[], topic: string): AnyEvent[] =>
    records.flatMap((record) => {
      if (record.topic !== topic || record.partition !== partition) return [];
      const read = decodeEvent(record.value);
      if (read.kind !== 'event') return [];
      times.set(read.event, record.timestampMs);
      return [read.event];
    });
  const toldOf = (name: FoldedTopic): Told => {
    const topic = physicalTopic(name);
    return {
      before: eventsOf(recorded.before, topic),
      events: eventsOf(recorded.measured, topic),
    };
  };
  const payments = toldOf('payments');
  return {
    crawls: payments.events.filter(({ type }) => type === 'CrawlDelivered').length,
    timeOf: (event) => times.get(event) ?? 0,
    payments,
    ...{ decisions: toldOf('decisions'), ledger: toldOf('ledger'), charges: toldOf('charges') },
  };
}

const writers: Partial<Record<AloneService, readonly FoldedTopic[]>> = {
  verifier: ['decisions'],
  metering: ['ledger'],
};
const readers: Partial<Record<AloneService, readonly FoldedTopic[]>> = {
  verifier: ['payments'],
  metering: ['decisions'],
  settlement: ['charges'],
  analytics: ['payments', 'decisions', 'ledger', 'charges'],
};

/** A record that is read and one that is written, beside what it says: see `logSteps`. */
export interface RecordCosts {
  readonly readUs: number;
  readonly togetherUs: number;
}

/** Of each service, the records that a crawl leaves after those of the crawl itself. */
export async function settlementSteps(
  log: FoldedLog,
  service: AloneService,
  { readUs, togetherUs }: RecordCosts,
): Promise<Step[]> {
  const read = ofSettlement(log, readers[service] ?? []);
  const written = ofSettlement(log, writers[service] ?? []);
  const steps: Step[] = [];
  if (read.perCrawl > 0) {
    const values = read.samples.map(encodeEvent);
    const us = await cpuUsPerCall({ calls: values.length }, (i) =>
      decodeEvent(values[i] as Buffer),
    );
    const name = 'record of the settlement read and decoded';
    steps.push({ name, perCrawl: read.perCrawl, us: us + readUs });
  }
  if (written.perCrawl > 0) {
    const { samples } = written;
    const us = await cpuUsPerCall({ calls: samples.length }, (i) =>
      encodeEvent(samples[i] as AnyEvent),
    );
    const name = 'record of the settlement encoded and durable';
    steps.push({ name, perCrawl: written.perCrawl, us: us + togetherUs });
  }
  return steps;
}

/** Records of the crawl itself: what a topic holds beside them came from the settlement. */
const ofCrawl: Readonly<Record<FoldedTopic, number>> = {
  payments: 2,
  decisions: 2,
  ledger: 1,
  charges: 1,
};
const crawlTypes: ReadonlySet<string> = new Set(crawlEventTypes);

function ofSettlement(
  log: FoldedLog,
  topics: readonly FoldedTopic[],
): { readonly perCrawl: number; readonly samples: readonly AnyEvent[] } {
  let perCrawl = 0;
  const samples: AnyEvent[] = [];
  for (const topic of topics) {
    const { events } = log[topic];
    perCrawl += events.length / log.crawls - ofCrawl[topic];
    const others = events.filter(({ type }) => !crawlTypes.has(type));
    // Entries of the ledger are of one type, whatever they book.
    samples.push(...(topic === 'ledger' ? events : others));
  }
  return { perCrawl: samples.length === 0 ? 0 : perCrawl, samples };
}
