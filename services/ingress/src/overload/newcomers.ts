/**
 * Payers that this ingress has not seen pay. Wallets cost nothing, so there may be any number of
 * them, and the first proof of each costs records and a question to the chain, as much as a crawl
 * that pays. Alone, nobody of them waits. Beside known payers they have the room that these leave of
 * what may be undecided at once, and where these leave none, they take turns: one for so many proofs
 * of the known. Who waits keeps its place in line for a while and costs nothing.
 */
export interface Newcomers {
  /** The line is full, and this payer would have to stand in it. */
  refuses(payer: string): boolean;
  /** A place among those who are decided about; a promise where it stands in line for one. */
  enter(payer: string): Place | Promise<Place | undefined>;
  /** The decision is here, or there will be none. */
  leave(place: Place): void;
  /** A payment of this payer was accepted: it is a newcomer no more. */
  hasPaid(payer: string): void;
  /** It is without funds: whatever it paid before, it is as good as one. */
  hasNothing(payer: string): void;
  waiting(): number;
  close(): void;
}

export type Place = 'known' | 'newcomer';

export interface NewcomersOptions {
  /** Undecided at once, of known payers and newcomers, while both are there. */
  readonly roomAtOnce: number;
  /** Proofs of known payers for each one of a newcomer, while these leave no room. */
  readonly knownPerNewcomer: number;
  /** Newcomers let in each second whatever the known do, so that a few always come in. */
  readonly perSMin: number;
  readonly waitMsMax: number;
  readonly waitingMax: number;
  /** Payers remembered; a forgotten one is a newcomer, no more. */
  readonly knownMax: number;
  readonly nowMs: () => number;
}

interface Waiter {
  readonly untilMs: number;
  readonly tell: (place: Place | undefined) => void;
}

interface Line {
  readonly options: NewcomersOptions;
  /** The longest silent one first. */
  readonly known: Set<string>;
  /** All wait equally long, so the first is the next in both ways. */
  queue: Waiter[];
  readonly inside: Record<Place, number>;
  /** Most of the known at once: since the last look, and between the two before. */
  knownMost: number;
  knownMostBefore: number;
  lastKnownMs: number;
  turns: number;
  filledMs: number;
  /** Looks since turns were taken. */
  looks: number;
}

/** Known payers that came longer ago than this contend with nobody. */
const knownLatelyMs = 1_000;
/** Decisions come in groups: between two of them there only seems to be room. */
const lookIntervalMs = 50;
/**
 * Turns are taken in groups, too: those who come in together are one question to the chain, which
 * costs as much as several crawls, however many it asks about. A group that does not get so large
 * in this time comes in smaller.
 */
const turnsAtOnce = 8;
const looksPerTurns = 4;
/** No more are saved up than a few looks would give: a burst of newcomers would be felt. */
const turnsMax = 32;

export function createNewcomers(options: NewcomersOptions): Newcomers {
  const line: Line = {
    ...{ options, known: new Set(), queue: [], inside: { known: 0, newcomer: 0 } },
    ...{ knownMost: 0, knownMostBefore: 0, lastKnownMs: Number.NEGATIVE_INFINITY },
    ...{ turns: 0, filledMs: options.nowMs(), looks: 0 },
  };
  const timer = setInterval(() => look(line), lookIntervalMs).unref();
  return {
    refuses: (payer) =>
      line.queue.length >= options.waitingMax && !line.known.has(payer) && mustWait(line),
    enter: (payer) => (line.known.has(payer) ? enterKnown(line) : enterNew(line)),
    leave(place) {
      line.inside[place] -= 1;
      if (line.queue.length > 0) letIn(line, roomOf(line));
    },
    hasPaid: (payer) => remember(line, payer),
    hasNothing: (payer) => void line.known.delete(payer),
    waiting: () => line.queue.length,
    close() {
      clearInterval(timer);
      letIn(line, Number.POSITIVE_INFINITY);
    },
  };
}

function enterKnown(line: Line): Place {
  const { inside, options } = line;
  inside.known += 1;
  if (inside.known > line.knownMost) line.knownMost = inside.known;
  line.lastKnownMs = options.nowMs();
  line.turns = Math.min(turnsMax, line.turns + 1 / options.knownPerNewcomer);
  return 'known';
}

function enterNew(line: Line): Place | Promise<Place | undefined> {
  const { queue, options } = line;
  if (!mustWait(line)) return come(line);
  const untilMs = options.nowMs() + options.waitMsMax;
  return new Promise((tell) => queue.push({ untilMs, tell }));
}

function mustWait(line: Line): boolean {
  return line.queue.length >= roomOf(line);
}

function come({ inside }: Line): Place {
  inside.newcomer += 1;
  return 'newcomer';
}

/** How many newcomers may come in without a turn. */
function roomOf({ options, inside, lastKnownMs, knownMost, knownMostBefore }: Line): number {
  if (options.nowMs() - lastKnownMs >= knownLatelyMs) return Number.POSITIVE_INFINITY;
  return options.roomAtOnce - Math.max(knownMost, knownMostBefore) - inside.newcomer;
}

function look(line: Line): void {
  const { options } = line;
  const nowMs = options.nowMs();
  const passedS = Math.max(0, nowMs - line.filledMs) / 1000;
  line.filledMs = nowMs;
  line.turns = Math.min(turnsMax, line.turns + passedS * options.perSMin);
  line.knownMostBefore = line.knownMost;
  line.knownMost = line.inside.known;
  if (line.queue.length === 0) return;
  letIn(line, roomOf(line));
  line.looks += 1;
  if (line.looks >= looksPerTurns || line.turns >= turnsAtOnce) takeTurns(line);
  const late = line.queue.findIndex(({ untilMs }) => untilMs > nowMs);
  for (const { tell } of leaveLine(line, late < 0 ? line.queue.length : late)) tell(undefined);
}

function takeTurns(line: Line): void {
  const turns = Math.min(line.queue.length, Math.floor(line.turns));
  line.turns -= turns;
  line.looks = 0;
  letIn(line, turns);
}

function letIn(line: Line, most: number): void {
  for (const { tell } of leaveLine(line, Math.min(most, line.queue.length))) tell(come(line));
}

function leaveLine(line: Line, count: number): readonly Waiter[] {
  if (count <= 0) return [];
  const first = line.queue.slice(0, count);
  line.queue = line.queue.slice(count);
  return first;
}

function remember({ known, options }: Line, payer: string): void {
  known.delete(payer);
  known.add(payer);
  if (known.size <= options.knownMax) return;
  for (const longestSilent of known) {
    known.delete(longestSilent);
    return;
  }
}
