import { decodeEvent, encodeEvent } from '@paycrawl/events/event';
import type { Step } from './budget.js';
import { cpuUsPerCall } from './cpu-per-call.js';
import { type CrawlLog, crawlEventTypes, ofType, readersOf } from './crawl-events.js';

const calls = 10_000;

/** Every record of a crawl is written once and read by each service that folds it. */
export async function eventSteps(log: CrawlLog): Promise<Step[]> {
  const encodes: Step[] = [];
  const decodes: Step[] = [];
  for (const type of crawlEventTypes) {
    const events = ofType(log, type);
    const values = events.map(encodeEvent);
    const event = (index: number) => events[index % events.length] as (typeof events)[number];
    const value = (index: number) => values[index % values.length] as Buffer;
    const encode = await cpuUsPerCall({ calls }, (i) => encodeEvent(event(i)));
    const decode = await cpuUsPerCall({ calls }, (i) => decodeEvent(value(i)));
    encodes.push({ name: `encode ${type} (${value(0).length} B)`, perCrawl: 1, us: encode });
    decodes.push({ name: `decode ${type}`, perCrawl: readersOf[type], us: decode });
  }
  return [...encodes, ...decodes];
}
