import { physicalTopic, type TopicName } from '@paycrawl/events/topics';
import { foldSteps } from '@paycrawl/fold/steps';
import { settlementSteps } from '@paycrawl/settlement/batches/steps';
import type { Crawlers } from './crawlers.js';
import type { Service } from './planted.js';
import { type CrashPoint, type Process, startProcess } from './processes.js';
import type { Random } from './random.js';
import { createLife } from './timeline.js';
import type { World } from './world.js';

/** The processes of a history, and what befalls them until the weather clears. */
export interface Machines {
  /** At least one living process of every service. */
  ensureAll(): void;
  alive(): readonly Process[];
}

export const services: readonly Service[] = ['verifier', 'metering', 'settlement', 'analytics'];
const snapshotTopics: readonly TopicName[] = [
  'snapshots-verifier',
  'snapshots-metering',
  'snapshots-settlement',
];

interface State {
  readonly world: World;
  readonly random: Random;
  readonly processes: Process[];
  readonly crawlers: Crawlers;
}

export function startMachines(world: World, crawlers: Crawlers): Machines {
  const random = world.random.fork('faults');
  const state: State = { world, random, processes: [], crawlers };
  for (const service of services) {
    const count = service === 'analytics' ? 1 : world.plan.instances;
    for (let at = 0; at < count; at++) start(state, service, `m${at}`);
  }
  const misfortunes = random.between(0, 10);
  for (let count = 0; count < misfortunes; count++) {
    const atMs = random.draw() * world.plan.activeMs;
    const befall = random.pick(misfortune);
    world.timeline.after(atMs, createLife('misfortune'), () => befall(state));
  }
  return {
    alive: () => alive(state),
    ensureAll() {
      for (const service of services) {
        if (alive(state).some((one) => one.service === service)) continue;
        start(state, service, 'm0');
      }
    },
  };
}

function alive({ processes }: State): Process[] {
  return processes.filter(({ life }) => !life.isDead);
}

function start(state: State, service: Service, machine: string): void {
  const crash = crashPoint(state, service);
  const onDeath = (): void => restartLater(state, service, machine);
  state.processes.push(startProcess(state.world, service, machine, { crash, onDeath }));
}

/** Whoever died is started again, as an orchestrator does; there, or on another machine. */
function restartLater(state: State, service: Service, machine: string): void {
  const { world, random } = state;
  world.timeline.after(random.draw() * 1_000, createLife('orchestrator'), () => {
    if (alive(state).filter((one) => one.service === service).length > 1) return;
    start(state, service, random.chance(0.7) ? machine : `m${random.between(0, 3)}`);
  });
}

function crashPoint({ random }: State, service: Service): CrashPoint | undefined {
  if (!random.chance(0.35)) return undefined;
  const steps = service === 'settlement' ? [...foldSteps, ...settlementSteps] : foldSteps;
  return { step: random.pick(steps), times: random.between(1, 12) };
}

type Misfortune = (state: State) => void;

const misfortune: readonly Misfortune[] = [
  kill,
  kill,
  ({ world }) => world.groups.rebalance('graceful'),
  ({ world }) => world.groups.rebalance('zombie'),
  ({ world }) => world.groups.rebalance('zombie'),
  secondOwner,
  secondOwner,
  powerCut,
  lostMachine,
  shortPause,
  brokerClock,
  ({ crawlers }) => crawlers.replaceIngress(),
  expireSnapshots,
  stopGracefully,
];

function kill(state: State): void {
  const living = alive(state);
  if (living.length > 0) state.random.pick(living).kill();
}

/** A process is started beside one that is still there, on its machine or on another one. */
function secondOwner(state: State): void {
  const { random, world } = state;
  const living = alive(state);
  if (living.length === 0) return;
  const { service, machine, life } = random.pick(living);
  const isSharing = random.chance(0.6);
  world.note(`a second ${service} beside ${life.name}${isSharing ? ', sharing its store' : ''}`);
  const place = isSharing ? machine : `m${random.between(0, 3)}`;
  state.processes.push(startProcess(world, service, place, {}));
  world.timeline.after(1_000 + random.draw() * 4_000, createLife('zombie'), () =>
    world.groups.rebalance('zombie'),
  );
}

function powerCut(state: State): void {
  const machine = `m${state.random.between(0, 1)}`;
  state.world.note(`power cut of ${machine}`);
  for (const process of alive(state)) if (process.machine === machine) process.kill();
  state.world.disks.cutPower(machine);
}

function lostMachine(state: State): void {
  const machine = `m${state.random.between(0, 1)}`;
  state.world.note(`${machine} is lost with its disk`);
  for (const process of alive(state)) if (process.machine === machine) process.kill();
  state.world.disks.lose(machine);
}

function shortPause({ world, random }: State): void {
  const forMs = random.between(1, 30) * 1_000;
  world.note(`everything stands still for ${forMs} ms`);
  world.timeline.jump(forMs);
}

function brokerClock({ world, random }: State): void {
  const byMs = random.between(-5_000, 5_000);
  world.note(`the clock of the broker moves by ${byMs} ms`);
  world.broker.moveClock(byMs);
}

function expireSnapshots({ world, random }: State): void {
  for (const topic of snapshotTopics) {
    for (let partition = 0; partition < world.plan.partitions; partition++) {
      const place = { topic: physicalTopic(topic), partition };
      const { earliest, next } = world.broker.offsets(place);
      // Segments end anywhere: between a chunk and its manifest too.
      const offset = random.chance(0.5) ? next - 1 : random.between(earliest, next);
      world.broker.expire(place, offset);
    }
  }
  world.note('old segments of the snapshots expire');
}

function stopGracefully(state: State): void {
  const living = alive(state);
  if (living.length === 0) return;
  const process = state.random.pick(living);
  const { life } = process;
  state.world.note(`${life.name} is asked to stop`);
  state.world.timeline.after(0, life, () => {
    const end = (): void => process.kill();
    process.stop().then(end, end);
  });
  // One deadline for all of it, as in production.
  state.world.timeline.after(20_000, life, () => process.kill());
}
