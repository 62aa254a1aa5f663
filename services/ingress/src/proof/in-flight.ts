import type { Exchange } from '@paycrawl/service-kit/plain-http/exchange';
import type { Audience, Served } from '../delivery/job.js';

/**
 * Proofs that are being served by this ingress. The same proof presented again meanwhile joins:
 * one record, one decision, one origin fetch, and everybody gets the outcome of the first. A page
 * that was served is kept for a moment more, for those of the same volley that come a bit later.
 */
export interface InFlight {
  /** Without those that are only kept. */
  readonly size: () => number;
  /** `serve` runs for the first; the others wait for what it returns. */
  share(
    key: string,
    exchange: Exchange,
    serve: (audience: Audience) => Promise<Served>,
  ): { readonly role: 'owner' | 'joined'; readonly served: Promise<Served> };
}

export interface InFlightOptions {
  readonly keepMs: number;
  readonly keptBytesMax: number;
  readonly nowMs: () => number;
}

/**
 * What stood in a Map that much passes through is met by the collector for long after: old tables
 * of the Map point to the new ones. So whoever takes an entry out empties it.
 */
interface Shared {
  crowd: Crowd | undefined;
  served: Promise<Served> | undefined;
}

interface Kept {
  readonly key: string;
  served: Promise<Served> | undefined;
  readonly bytes: number;
  readonly untilMs: number;
}

interface State {
  readonly running: Map<string, Shared>;
  readonly kept: Map<string, Kept>;
  /** The same, the oldest first: to look for the first of a Map is to pass by all that was deleted. */
  readonly byAge: Kept[];
  keptBytes: number;
}

export function createInFlight(options: InFlightOptions): InFlight {
  const state: State = { running: new Map(), kept: new Map(), byAge: [], keptBytes: 0 };
  const { running, kept } = state;
  return {
    size: () => running.size,
    share(key, exchange, serve) {
      forgetOld(state, options);
      const served = kept.get(key)?.served;
      if (served !== undefined) return { role: 'joined', served };
      const present = running.get(key);
      if (present?.crowd?.isGone === false && present.served !== undefined) {
        listen(present.crowd, exchange);
        return { role: 'joined', served: present.served };
      }
      return { role: 'owner', served: begin(state, options, ownText(key), exchange, serve) };
    },
  };
}

/** A copy: what was put together of parts of a request would keep all of it in memory. */
function ownText(text: string): string {
  return Buffer.from(text).toString();
}

function begin(
  state: State,
  options: InFlightOptions,
  key: string,
  exchange: Exchange,
  serve: (audience: Audience) => Promise<Served>,
): Promise<Served> {
  const crowd: Crowd = { size: 0, isGone: false, onGone: undefined };
  listen(crowd, exchange);
  const served = serve(audienceOf(crowd));
  const shared: Shared = { crowd, served };
  state.running.set(key, shared);
  const end = (): void => {
    if (state.running.get(key) === shared) state.running.delete(key);
    shared.crowd = undefined;
    shared.served = undefined;
  };
  // Before anybody else can wait for it: whoever hears of the outcome finds it kept.
  served.then((result) => {
    end();
    keep(state, options, key, served, result);
  }, end);
  return served;
}

/** Plain fields where an AbortController would cost 10 µs a crawl. */
interface Crowd {
  size: number;
  isGone: boolean;
  onGone: (() => void) | undefined;
}

function audienceOf(crowd: Crowd): Audience {
  return {
    isEmpty: () => crowd.size === 0,
    isGone: () => crowd.isGone,
    onGone(listener) {
      if (crowd.isGone) listener();
      else crowd.onGone = listener;
    },
  };
}

function listen(crowd: Crowd, exchange: Exchange): void {
  crowd.size += 1;
  exchange.onEnd((isComplete) => {
    crowd.size -= 1;
    // An answer that was sent ends nothing.
    if (crowd.size > 0 || isComplete) return;
    crowd.isGone = true;
    crowd.onGone?.();
  });
}

/** Only what was paid and held in memory anyway. */
function keep(
  state: State,
  options: InFlightOptions,
  key: string,
  served: Promise<Served>,
  result: Served,
): void {
  if (options.keepMs === 0 || result.kind !== 'answered' || !result.isPaid) return;
  const bytes = result.answer.body.length;
  const untilMs = options.nowMs() + options.keepMs;
  const before = state.kept.get(key);
  if (before !== undefined) forget(state, before);
  const one: Kept = { key, served, bytes, untilMs };
  state.kept.set(key, one);
  state.byAge.push(one);
  state.keptBytes += bytes;
  forgetOld(state, options);
}

function forgetOld(state: State, options: InFlightOptions): void {
  const nowMs = options.nowMs();
  const { byAge } = state;
  for (let oldest = byAge[0]; oldest !== undefined; oldest = byAge[0]) {
    if (nowMs < oldest.untilMs && state.keptBytes <= options.keptBytesMax) return;
    byAge.shift();
    forget(state, oldest);
  }
}

function forget(state: State, one: Kept): void {
  if (one.served === undefined) return;
  one.served = undefined;
  state.kept.delete(one.key);
  state.keptBytes -= one.bytes;
}
