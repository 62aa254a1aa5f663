import type { EventTopic } from '@paycrawl/events/event';
import { physicalTopic } from '@paycrawl/events/topics';
import type { Charge } from '@paycrawl/settlement/batches/state';
import type { Admission } from '@paycrawl/verifier/admission/state';
import { checkHistory } from './checks.js';
import { type Crawlers, startCrawlers } from './crawlers.js';
import { type Machines, startMachines } from './faults.js';
import { furthest } from './furthest.js';
import { startMiners } from './miners.js';
import { startOperators } from './operators.js';
import { nothingPlanted, type Planted } from './planted.js';
import { projectionsOf, textOf } from './processes.js';
import { createLife } from './timeline.js';
import { withVirtualGlobals } from './virtual-globals.js';
import { createWorld, type Found, type JournalLine, startMs, type World } from './world.js';

/** One exact history: what was found wrong in it, and how it went. */
export interface History {
  readonly seed: number;
  readonly findings: readonly Found[];
  readonly records: number;
  readonly events: number;
  readonly virtualMs: number;
  readonly charged: number;
  readonly settled: number;
  journal(): string[];
}

export async function runHistory(
  seed: number,
  planted: Planted = nothingPlanted,
): Promise<History> {
  const world = createWorld(seed, planted);
  let figures = { charged: 0, settled: 0, records: 0 };
  await withVirtualGlobals(world.timeline, async () => {
    try {
      await live(world);
      figures = await checkHistory(world);
    } catch (error) {
      world.find('history_failed', String(seed), textOf(error));
    }
  });
  const { findings, journal, timeline } = world;
  return {
    ...{ seed, findings, ...figures },
    events: timeline.handled,
    virtualMs: timeline.nowMs - startMs,
    journal: () => journal.map(journalLine),
  };
}

function journalLine({ atMs, text }: JournalLine): string {
  const at = ((atMs - startMs) / 1000).toFixed(3).padStart(9);
  return `${at} ${typeof text === 'string' ? text : text()}`;
}

const longPauseMs = 25 * 60_000;

async function live(world: World): Promise<void> {
  const { timeline, plan, weather } = world;
  startMiners(world);
  const crawlers = startCrawlers(world);
  const machines = startMachines(world, crawlers);
  startOperators(world);
  const pauseMs = plan.activeMs * (0.5 + 0.4 * world.random.fork('pause').draw());
  await timeline.runUntil(timeline.nowMs + (plan.hasLongPause ? pauseMs : plan.activeMs));
  if (plan.hasLongPause) await standStill(world);
  weather.clear();
  world.note('the weather clears');
  await settleDown(world, machines, crawlers);
  if (plan.isRemembered) await forget(world);
}

/** Long after everything ended nothing of it is kept: the state of admission is bounded. */
async function forget(world: World): Promise<void> {
  const { timeline, plan } = world;
  if (world.findings.length > 0) return;
  timeline.jump(longPauseMs);
  await timeline.runUntil(timeline.nowMs + 12_000);
  for (let partition = 0; partition < plan.partitions; partition++) {
    const store = furthest(world, 'verifier', partition);
    for (const prefix of ['n/', 'o/', 'i/']) {
      for (const [key] of store?.range(prefix) ?? [])
        world.find('not_forgotten', key, 'still kept');
    }
  }
}

/** Memories end meanwhile; what comes afterwards finds none. */
async function standStill(world: World): Promise<void> {
  const { timeline, ports } = world;
  world.note('everything stands still for long');
  timeline.jump(longPauseMs);
  const writers = createLife('late writers');
  for (const repeat of world.late.splice(0)) {
    timeline.after(2_000 + ports.draw() * 15_000, writers, repeat);
  }
  await timeline.runUntil(timeline.nowMs + 20_000);
}

/** Faults are over: everything that was begun must come to its end. */
async function settleDown(world: World, machines: Machines, crawlers: Crawlers): Promise<void> {
  const { timeline } = world;
  let turns = 0;
  // Authorizations last at most three minutes: five pauses bring all of them to their end.
  for (let pauses = 0; pauses < 6; pauses++) {
    for (let turn = 0; turn < 12; turn++, turns++) {
      machines.ensureAll();
      await timeline.runUntil(timeline.nowMs + 2_500);
      if (turns > 1 && crawlers.isIdle() && openIn(world).length === 0) return;
    }
    timeline.jump(60_000);
  }
  for (const what of openIn(world).slice(0, 5)) world.find('no_end', what, 'still open after all');
}

function groupsOf(world: World): (readonly [group: string, topic: EventTopic])[] {
  const projections = projectionsOf(world).map(
    ({ input }) => [`analytics-${input}`, input] as const,
  );
  return [
    ['verifier', 'payments'],
    ['metering', 'decisions'],
    ['settlement', 'charges'],
    ...projections,
  ];
}

/** What is not through: records not folded, holds, waits and charges without an end. */
function openIn(world: World): string[] {
  const open: string[] = [];
  for (let partition = 0; partition < world.plan.partitions; partition++) {
    for (const [group, topic] of groupsOf(world)) {
      if (partition >= (world.broker.topics.get(physicalTopic(topic))?.partitions ?? 0)) continue;
      const { next } = world.broker.offsets({ topic: physicalTopic(topic), partition });
      const stored = furthest(world, group, partition)?.position().nextOffset ?? 0;
      if (stored < next) open.push(`${group}/${partition} at ${stored} of ${next}`);
    }
    if (open.length > 0) continue;
    for (const [key, value] of furthest(world, 'verifier', partition)?.range('n/') ?? []) {
      const { status, end } = value as Admission & { end?: unknown };
      if (status === 'held' || status === 'waiting') open.push(`${key} ${status}`);
      if (status === 'charged' && end === undefined) open.push(`${key} charged`);
    }
    for (const [key, value] of furthest(world, 'settlement', partition)?.range('c/') ?? []) {
      open.push(`${key} ${(value as Charge).status} in settlement`);
    }
  }
  return open;
}
