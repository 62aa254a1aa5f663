import { figuresOf, type LoadFigures } from './closed-loop.js';
import {
  type HttpConnection,
  type HttpTarget,
  openConnection,
  openConnections,
} from './http-connection.js';
import type { HttpResponse } from './http-response.js';

export interface OpenLoop {
  readonly target: HttpTarget;
  /** All are opened before the clock starts; each has one request on its way at most. */
  readonly connections: number;
  readonly ratePerS: number;
  /** How long requests become due. */
  readonly seconds: number;
  /** What is still due then may be sent this long; the rest counts as never sent. Default 10. */
  readonly graceSeconds?: number;
  /** The next request; undefined ends the load before its time. */
  next(): Buffer | undefined;
  isExpected(response: HttpResponse): boolean;
  /** Answers that are neither served nor failed: counted apart. */
  isRefused?(response: HttpResponse): boolean;
}

/** Latencies count from the moment a request was due. */
export interface OpenLoopFigures extends LoadFigures {
  /** Requests that became due in a second, whatever became of them. */
  readonly offeredPerS: number;
  /** Those that were told to come back; they are in none of the other figures. */
  readonly refused: LoadFigures;
}

interface Run {
  readonly loop: OpenLoop;
  readonly startedMs: number;
  readonly idle: HttpConnection[];
  readonly waiting: Set<Waiting>;
  /** So many become due before the end. */
  dueMost: number;
  sent: number;
  isOver: boolean;
  readonly latenciesMs: number[];
  readonly refusedMs: number[];
  readonly seen: Record<string, number>;
  finish(): void;
}

interface Waiting {
  readonly dueMs: number;
  readonly connection: HttpConnection;
}

const graceSecondsDefault = 10;
/** Between two looks at the clock; every answer looks as well. */
const lookMs = 1;

/**
 * Requests become due at a constant rate, however slow the answers are. One that finds no idle
 * connection waits for it, and its wait counts: a server that pauses is seen by every request that
 * was due meanwhile, not only by those that were on their way (what Gil Tene calls coordinated
 * omission otherwise).
 */
export async function runOpenLoop(loop: OpenLoop): Promise<OpenLoopFigures> {
  const { target, connections, ratePerS, seconds } = loop;
  const idle = await openConnections(target, connections);
  const run: Run = {
    ...{ loop, idle, startedMs: performance.now(), dueMost: Math.floor(ratePerS * seconds) },
    ...{ waiting: new Set(), sent: 0, isOver: false, finish: () => undefined },
    ...{ latenciesMs: [], refusedMs: [], seen: {} },
  };
  await untilOver(run);
  const tookS = (performance.now() - run.startedMs) / 1000;
  giveUp(run);
  const refused = figuresOf(run.refusedMs, {}, tookS);
  const offeredPerS = run.dueMost / seconds;
  return { ...figuresOf(run.latenciesMs, run.seen, tookS), offeredPerS, refused };
}

/** All that was due is answered, or the grace is over. */
function untilOver(run: Run): Promise<void> {
  const { seconds, graceSeconds = graceSecondsDefault } = run.loop;
  return new Promise((resolve) => {
    const looking = setInterval(() => sendDue(run), lookMs);
    const limit = setTimeout(() => run.finish(), (seconds + graceSeconds) * 1000);
    run.finish = () => {
      clearInterval(looking);
      clearTimeout(limit);
      run.isOver = true;
      resolve();
    };
    sendDue(run);
  });
}

function sendDue(run: Run): void {
  if (run.isOver) return;
  const { loop, idle } = run;
  const passedMs = performance.now() - run.startedMs;
  const due = Math.min(run.dueMost, Math.floor((passedMs * loop.ratePerS) / 1000) + 1);
  while (run.sent < due && idle.length > 0) {
    const bytes = loop.next();
    if (bytes === undefined) {
      run.dueMost = run.sent;
      break;
    }
    const connection = idle.pop() as HttpConnection;
    const waiting = { dueMs: dueAt(run, run.sent), connection };
    run.sent += 1;
    run.waiting.add(waiting);
    connection.send(bytes, (answer) => onAnswer(run, waiting, answer));
  }
  if (run.sent >= run.dueMost && run.waiting.size === 0) run.finish();
}

function dueAt({ loop, startedMs }: Run, index: number): number {
  return startedMs + (index * 1000) / loop.ratePerS;
}

function onAnswer(run: Run, waiting: Waiting, answer: HttpResponse | string): void {
  if (run.isOver) return;
  run.waiting.delete(waiting);
  const tookMs = performance.now() - waiting.dueMs;
  if (typeof answer === 'string') {
    fails(run, answer, tookMs);
    void replaceConnection(run).then(() => sendDue(run));
    return;
  }
  run.idle.push(waiting.connection);
  if (run.loop.isRefused?.(answer) === true) run.refusedMs.push(tookMs);
  else if (run.loop.isExpected(answer)) run.latenciesMs.push(tookMs);
  else fails(run, String(answer.status), tookMs);
  sendDue(run);
}

function fails({ latenciesMs, seen }: Run, what: string, tookMs: number): void {
  latenciesMs.push(tookMs);
  seen[what] = (seen[what] ?? 0) + 1;
}

/** One that cannot be replaced is missed by the load, and seen in its figures. */
async function replaceConnection(run: Run): Promise<void> {
  const connection = await openConnection(run.loop.target).catch(() => undefined);
  if (connection === undefined) return;
  if (run.isOver) connection.close();
  else run.idle.push(connection);
}

/** With the wait that they had until they were given up. */
function giveUp(run: Run): void {
  const nowMs = performance.now();
  for (const { dueMs, connection } of run.waiting) {
    fails(run, 'no answer in time', nowMs - dueMs);
    connection.close();
  }
  for (let i = run.sent; i < run.dueMost; i++) fails(run, 'never sent', nowMs - dueAt(run, i));
  for (const connection of run.idle) connection.close();
}
