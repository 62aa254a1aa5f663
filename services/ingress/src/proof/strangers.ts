/**
 * Payers that this ingress has not seen pay. Wallets cost nothing, so there may be any number of
 * them, and the first proof of each costs several records and a question to the chain, as much as a
 * crawl or two that pay. While the process is busy with payers it knows, strangers take turns: one
 * for so many known ones. Those who wait keep their place in line for a while and cost nothing.
 * Without contention nobody waits, so first proofs alone are as fast as they can be.
 */
export interface Strangers {
  /** True: go on. A promise: it stands in line, and is told whether its turn came. */
  turnOf(payer: string): true | Promise<boolean>;
  /** A payment of this payer was accepted: it is no stranger for a while. */
  hasPaid(payer: string): void;
  /** It is without funds: whatever it paid before, it is a stranger again. */
  hasNothing(payer: string): void;
  waiting(): number;
  close(): void;
}

export interface StrangersOptions {
  /** Proofs of known payers for each one of a stranger, while these contend. */
  readonly knownPerStranger: number;
  /** Strangers let in each second whatever the known do, so that a few always come in. */
  readonly perSMin: number;
  readonly waitMsMax: number;
  readonly waitingMax: number;
  /** Payers remembered; a forgotten one is a stranger, no more. */
  readonly knownMax: number;
  readonly isBusy: () => boolean;
  readonly nowMs: () => number;
}

interface Waiter {
  readonly untilMs: number;
  readonly tell: (isTurn: boolean) => void;
}

interface Line {
  readonly options: StrangersOptions;
  /** The longest silent one first. */
  readonly known: Set<string>;
  /** All wait equally long, so the first is the next in both ways. */
  queue: Waiter[];
  turns: number;
  filledMs: number;
  lastKnownMs: number;
}

/** Known payers that came longer ago than this contend with nobody. */
const knownLatelyMs = 1_000;
const lookIntervalMs = 50;
/** Turns are not saved up: a burst of strangers would be felt. */
const turnsMax = 4;

export function createStrangers(options: StrangersOptions): Strangers {
  const line: Line = {
    ...{ options, known: new Set(), queue: [], turns: 0 },
    ...{ filledMs: options.nowMs(), lastKnownMs: Number.NEGATIVE_INFINITY },
  };
  const timer = setInterval(() => look(line), lookIntervalMs).unref();
  return {
    turnOf: (payer) => turnOf(line, payer),
    hasPaid(payer) {
      line.known.delete(payer);
      line.known.add(payer);
      if (line.known.size <= options.knownMax) return;
      for (const longestSilent of line.known) {
        line.known.delete(longestSilent);
        break;
      }
    },
    hasNothing: (payer) => void line.known.delete(payer),
    waiting: () => line.queue.length,
    close() {
      clearInterval(timer);
      tellAll(line, line.queue.length, true);
    },
  };
}

function turnOf(line: Line, payer: string): true | Promise<boolean> {
  const { known, options } = line;
  if (known.has(payer)) {
    line.lastKnownMs = options.nowMs();
    line.turns = Math.min(turnsMax, line.turns + 1 / options.knownPerStranger);
    serve(line);
    return true;
  }
  if (!isContended(line)) return true;
  if (line.queue.length === 0 && line.turns >= 1) {
    line.turns -= 1;
    return true;
  }
  if (line.queue.length >= options.waitingMax) return Promise.resolve(false);
  const untilMs = options.nowMs() + options.waitMsMax;
  return new Promise((tell) => line.queue.push({ untilMs, tell }));
}

function isContended({ options, lastKnownMs }: Line): boolean {
  return options.nowMs() - lastKnownMs < knownLatelyMs && options.isBusy();
}

function look(line: Line): void {
  const { options, queue } = line;
  const nowMs = options.nowMs();
  const passedS = Math.max(0, nowMs - line.filledMs) / 1000;
  line.filledMs = nowMs;
  line.turns = Math.min(turnsMax, line.turns + passedS * options.perSMin);
  if (queue.length === 0) return;
  if (!isContended(line)) return tellAll(line, queue.length, true);
  serve(line);
  const late = line.queue.findIndex(({ untilMs }) => untilMs > nowMs);
  tellAll(line, late < 0 ? line.queue.length : late, false);
}

function serve(line: Line): void {
  const served = Math.min(line.queue.length, Math.floor(line.turns));
  line.turns -= served;
  tellAll(line, served, true);
}

function tellAll(line: Line, count: number, isTurn: boolean): void {
  if (count === 0) return;
  const told = line.queue.slice(0, count);
  line.queue = line.queue.slice(count);
  for (const { tell } of told) tell(isTurn);
}
