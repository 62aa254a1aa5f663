import type { Audience, Served } from '../delivery/job.js';
import type { Exchange } from '../http/exchange.js';

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

interface Shared {
  readonly crowd: Crowd;
  readonly served: Promise<Served>;
}

interface Kept {
  readonly served: Promise<Served>;
  readonly bytes: number;
  readonly untilMs: number;
}

interface State {
  readonly running: Map<string, Shared>;
  /** Equally long lived, so the first is the oldest. */
  readonly kept: Map<string, Kept>;
  keptBytes: number;
}

export function createInFlight(options: InFlightOptions): InFlight {
  const state: State = { running: new Map(), kept: new Map(), keptBytes: 0 };
  const { running, kept } = state;
  return {
    size: () => running.size,
    share(key, exchange, serve) {
      forgetOld(state, options);
      const served = kept.get(key)?.served;
      if (served !== undefined) return { role: 'joined', served };
      const present = running.get(key);
      if (present !== undefined && !present.crowd.isGone) {
        listen(present.crowd, exchange);
        return { role: 'joined', served: present.served };
      }
      return { role: 'owner', served: begin(state, options, key, exchange, serve) };
    },
  };
}

function begin(
  state: State,
  options: InFlightOptions,
  key: string,
  exchange: Exchange,
  serve: (audience: Audience) => Promise<Served>,
): Promise<Served> {
  const crowd: Crowd = { listeners: new Set(), isGone: false, onGone: undefined };
  listen(crowd, exchange);
  const served = serve(audienceOf(crowd));
  state.running.set(key, { crowd, served });
  const end = (): void => {
    if (state.running.get(key)?.crowd === crowd) state.running.delete(key);
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
  readonly listeners: Set<Exchange>;
  isGone: boolean;
  onGone: (() => void) | undefined;
}

function audienceOf(crowd: Crowd): Audience {
  return {
    isEmpty: () => crowd.listeners.size === 0,
    isGone: () => crowd.isGone,
    onGone(listener) {
      if (crowd.isGone) listener();
      else crowd.onGone = listener;
    },
  };
}

function listen(crowd: Crowd, exchange: Exchange): void {
  crowd.listeners.add(exchange);
  exchange.onEnd((isComplete) => {
    crowd.listeners.delete(exchange);
    // An answer that was sent ends nothing.
    if (crowd.listeners.size > 0 || isComplete) return;
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
  state.keptBytes += bytes - (before?.bytes ?? 0);
  state.kept.delete(key);
  state.kept.set(key, { served, bytes, untilMs });
  forgetOld(state, options);
}

function forgetOld(state: State, options: InFlightOptions): void {
  const nowMs = options.nowMs();
  for (const [key, { bytes, untilMs }] of state.kept) {
    if (nowMs < untilMs && state.keptBytes <= options.keptBytesMax) return;
    state.kept.delete(key);
    state.keptBytes -= bytes;
  }
}
