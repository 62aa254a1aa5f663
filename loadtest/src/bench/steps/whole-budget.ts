import type { AloneService } from './alone/alone-main.js';
import type { ServiceCost } from './alone/service-costs.js';
import { type Step, usOf } from './budget.js';

/** The steps of a service that were measured by themselves. */
export type StepsOf = Readonly<Record<AloneService, readonly Step[]>>;

const whatOf: Readonly<Record<AloneService, string>> = {
  ingress: 'ingress: a paid crawl from request to answer',
  verifier: 'verifier: decides, charges, relays what became of the charge',
  metering: 'metering: books it, and its settlement',
  settlement: 'settlement: signs, sends, observes, proves',
  analytics: 'analytics: all records into charts',
};

const elseIn: Readonly<Record<AloneService, string>> = {
  ingress: 'sockets and HTTP of a real client and site, gates, promises, timers, garbage',
  verifier: 'groups, positions, the watcher of funds, wake-ups, promises, garbage',
  metering: 'groups, positions, promises, garbage',
  settlement: 'signing, sending, observing, records of batches, promises, garbage',
  analytics: 'blocks of few crawls, merges, groups, positions, promises, garbage',
};

const helpers = 'on its other threads: collector, compilers, commits of the log';
const pauses = 'pauses of its JavaScript for the collector';

/**
 * What each service costs by itself, with its steps as parts of it, and what they leave: the sum
 * counts every service once. Without costs the steps stand alone.
 */
export function wholeBudget(steps: StepsOf, costs: readonly ServiceCost[]): Step[] {
  const services = Object.keys(whatOf) as AloneService[];
  return services.flatMap((service) => {
    const own = steps[service];
    const cost = costs.find((one) => one.service === service);
    if (cost === undefined) return [...own];
    const sum = own.reduce((us, step) => us + (step.isPart ? 0 : step.perCrawl * step.us), 0);
    const parts = own.map((step) =>
      step.isPart ? { ...step, isDetail: true } : { ...step, isPart: true },
    );
    const part = { perCrawl: 1, isPart: true };
    const rest = { ...part, name: elseIn[service], us: cost.us - sum };
    const detail = { ...part, isDetail: true };
    return [
      { name: whatOf[service], perCrawl: 1, us: cost.us },
      { ...detail, name: helpers, us: cost.helpersUs },
      { ...detail, name: pauses, us: cost.pausesUs },
      ...[...parts, rest],
    ];
  });
}

/**
 * What the steps themselves cost, warm and one by one: nothing of a crawl is done with less. Without
 * settlement: money may wait, and does where cores are short.
 */
export function stepsUs(steps: StepsOf): number {
  const services = Object.keys(whatOf) as AloneService[];
  return services
    .filter((service) => service !== 'settlement')
    .flatMap((service) => steps[service])
    .reduce((us, step) => us + (step.isPart ? 0 : usOf(step)), 0);
}
