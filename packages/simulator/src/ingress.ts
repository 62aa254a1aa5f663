import type { EventLog, Producer } from '@paycrawl/event-log/event-log';
import { type AnyEvent, decodeEvent, type EventOfType, encodeEvent } from '@paycrawl/events/event';
import { physicalTopic } from '@paycrawl/events/topics';
import { createLogPort } from './log-port.js';
import type { Random } from './random.js';
import { createLife, type Life } from './timeline.js';
import { partitionOf, type World } from './world.js';

export type Proof = EventOfType<'ProofReceived'>['data'];

/** What the client of one request sees. */
export type Answer =
  | { readonly kind: 'served'; readonly charge: 'held' | 'charged' }
  | { readonly kind: 'refused'; readonly code: string }
  | { readonly kind: 'unavailable' };

/** An ingress as the log sees it (design: waiting, leases, repeats); pages come from its draws. */
export interface Ingress {
  readonly life: Life;
  serve(proof: Omit<Proof, 'requestId' | 'ingressId'>): Promise<Answer>;
  /** Requests and outcomes that are not through. */
  open(): number;
}

interface State {
  readonly world: World;
  readonly life: Life;
  readonly id: string;
  readonly log: EventLog;
  readonly random: Random;
  readonly waiting: Map<string, (decision: Decision) => void>;
  producer: Producer | undefined;
  open: number;
}

type Decision =
  | {
      readonly kind: 'leased';
      readonly leaseId: string;
      readonly leaseMs: number;
      readonly charge: 'held' | 'charged';
    }
  | { readonly kind: 'refused'; readonly code: string }
  | { readonly kind: 'undecided' };

const appendTimeoutMs = 3_000;
const readLogAfterMs = 700;
const retryIntervalMs = 600;
const retriesMax = 8;

export function createIngress(world: World): Ingress {
  const id = `ingress-${world.names.next()}`;
  const life = createLife(id, world.ports.between(-1_000, 1_000));
  const { timeline, weather, broker, groups, ports } = world;
  const log = createLogPort(life, { timeline, weather, broker, groups, chance: ports.chance });
  const random = world.random.fork(id);
  const state: State = {
    ...{ world, life, id, log, random, waiting: new Map(), producer: undefined, open: 0 },
  };
  world.wakeups.listen(id, life, (events) => {
    for (const event of events) hear(state, event);
  });
  return {
    life,
    open: () => (life.isDead ? 0 : state.open),
    serve: (proof) => counted(state, () => serve(state, proof)),
  };
}

async function counted<T>(state: State, work: () => Promise<T>): Promise<T> {
  state.open += 1;
  try {
    return await work();
  } finally {
    state.open -= 1;
  }
}

async function serve(
  state: State,
  presented: Omit<Proof, 'requestId' | 'ingressId'>,
): Promise<Answer> {
  const { world, life, id } = state;
  const requestId = `${id}/${world.names.next()}`;
  const proof: Proof = { ...presented, requestId, ingressId: id };
  const leaseFromMs = world.timeline.nowMs;
  const decision = expectDecision(state, proof);
  const received = eventOf(state, 'ProofReceived', `${requestId}/proof`, proof);
  if (!(await append(state, proof.payer, received))) {
    state.waiting.get(requestId)?.({ kind: 'undecided' });
    giveUp(state, proof);
    return { kind: 'unavailable' };
  }
  const decided = await decision;
  if (decided.kind === 'undecided') {
    giveUp(state, proof);
    return { kind: 'unavailable' };
  }
  if (decided.kind === 'refused') return decided;
  const { leaseId, charge, leaseMs } = decided;
  if (charge === 'charged') return { kind: 'served', charge };
  await world.timeline.sleep(fetchMs(state, leaseMs), life);
  return deliver(state, proof, leaseId, leaseFromMs + leaseMs);
}

/** Mostly at once, sometimes about as long as the lease. */
function fetchMs({ random, world }: State, leaseMs: number): number {
  if (world.weather.isClear || random.chance(0.6)) return random.draw() * 200;
  return random.draw() * leaseMs * 2.5;
}

async function deliver(
  state: State,
  proof: Proof,
  leaseId: string,
  endsAtMs: number,
): Promise<Answer> {
  const { world, random } = state;
  const isOver = world.timeline.nowMs >= endsAtMs;
  const isFailed = isOver || random.chance(0.25);
  const outcome = isOver ? 'origin_timeout' : isFailed ? 'origin_5xx' : 'delivered';
  if (isFailed) {
    await append(
      state,
      proof.payer,
      outcomeOf(state, 'CrawlNotDelivered', proof, outcome, leaseId),
    );
    return { kind: 'unavailable' };
  }
  if (random.chance(0.3)) return stream(state, proof, leaseId);
  const event = outcomeOf(state, 'CrawlDelivered', proof, outcome, leaseId);
  const isDurable = await append(state, proof.payer, event);
  return isDurable ? { kind: 'served', charge: 'held' } : { kind: 'unavailable' };
}

/** Longer bodies: begun before the first byte, the outcome after the last one, until it is durable. */
async function stream(state: State, proof: Proof, leaseId: string): Promise<Answer> {
  const { world, life, random } = state;
  const { chargeId, payer, requestId } = proof;
  const data = { chargeId, payer, requestId, leaseId };
  const begins = eventOf(state, 'DeliveryStarted', `${requestId}/started`, data);
  if (!(await append(state, payer, begins))) return { kind: 'unavailable' };
  await world.timeline.sleep(random.draw() * 4_000, life);
  const isWhole = random.chance(0.8);
  const event = isWhole
    ? outcomeOf(state, 'CrawlDelivered', proof, 'delivered', leaseId)
    : outcomeOf(state, 'CrawlNotDelivered', proof, 'client_disconnected', leaseId);
  void reportEventually(state, payer, event);
  return isWhole ? { kind: 'served', charge: 'held' } : { kind: 'unavailable' };
}

function giveUp(state: State, proof: Proof): void {
  const event = outcomeOf(state, 'CrawlNotDelivered', proof, 'abandoned', undefined);
  void reportEventually(state, proof.payer, event);
}

function reportEventually(state: State, payer: string, event: AnyEvent): Promise<void> {
  return counted(state, async () => {
    for (let attempt = 0; attempt <= retriesMax; attempt++) {
      if (await append(state, payer, event)) return;
      await state.world.timeline.sleep(retryIntervalMs, state.life);
    }
  });
}

/** False: the log did not take it in time, as far as this process knows. */
async function append(state: State, payer: string, event: AnyEvent): Promise<boolean> {
  const { world, life, log } = state;
  state.producer ??= log.producer();
  const used = state.producer;
  const partition = partitionOf(world, payer);
  const record = { topic: physicalTopic('payments'), partition, key: payer };
  const value = encodeEvent(event);
  const sent = used.append([{ ...record, value }]).then(
    () => true,
    () => false,
  );
  if (world.weather.happens('record_repeated'))
    repeatLater(world, () => {
      world.broker.append([{ ...record, value }]);
    });
  const late = world.timeline.sleep(appendTimeoutMs, life).then(() => false);
  const isDurable = await Promise.race([sent, late]);
  if (!isDurable && state.producer === used) {
    state.producer = undefined;
    void used.close();
  }
  return isDurable;
}

/** The writer's own repetition after a lost acknowledgement; now and then very late. */
function repeatLater(world: World, repeat: () => void): void {
  const { timeline, ports, plan, late } = world;
  if (plan.hasLongPause && ports.chance(0.3)) return void late.push(repeat);
  const longestMs = ports.pick([500, 5_000, 5_000, 40_000]);
  timeline.after(ports.draw() * longestMs, createLife('repetition'), repeat);
}

function expectDecision(state: State, proof: Proof): Promise<Decision> {
  const { world, life, waiting } = state;
  const { requestId, decideWithinMs } = proof;
  const partition = partitionOf(world, proof.payer);
  const place = { topic: physicalTopic('decisions'), partition };
  const fromOffset = world.broker.offsets(place).next;
  return new Promise((resolve) => {
    const settle = (decision: Decision): void => {
      waiting.delete(requestId);
      resolve(decision);
    };
    waiting.set(requestId, settle);
    const untilMs = world.timeline.nowMs + decideWithinMs + 1_000;
    const look = async (): Promise<void> => {
      for (;;) {
        await world.timeline.sleep(readLogAfterMs, life);
        if (!waiting.has(requestId)) return;
        const records = await state.log.read(place, fromOffset, 1_000).catch(() => []);
        for (const { value } of records) {
          const decoded = decodeEvent(value);
          if (decoded.kind === 'event') hear(state, decoded.event);
        }
        if (waiting.has(requestId) && world.timeline.nowMs > untilMs) settle({ kind: 'undecided' });
      }
    };
    void look();
  });
}

function hear({ waiting }: State, event: AnyEvent): void {
  switch (event.type) {
    case 'PaymentAccepted': {
      const { requestId, leaseId, leaseMs } = event.data;
      return waiting.get(requestId)?.({ kind: 'leased', leaseId, leaseMs, charge: 'held' });
    }
    case 'LeaseGranted': {
      const { requestId, leaseId, leaseMs, charge } = event.data;
      return waiting.get(requestId)?.({ kind: 'leased', leaseId, leaseMs, charge });
    }
    case 'PaymentRejected': {
      const { requestId, code } = event.data;
      return waiting.get(requestId)?.({ kind: 'refused', code });
    }
    default:
      return undefined;
  }
}

function outcomeOf(
  state: State,
  type: 'CrawlDelivered' | 'CrawlNotDelivered',
  { chargeId, payer, requestId }: Proof,
  outcome: EventOfType<'CrawlDelivered'>['data']['outcome'],
  leaseId: string | undefined,
): AnyEvent {
  const facts = { chargeId, payer, requestId, outcome, status: 200, bytes: 10 };
  const data = leaseId === undefined ? facts : { ...facts, leaseId };
  return eventOf(state, type, `${requestId}/outcome`, data);
}

function eventOf(state: State, type: AnyEvent['type'], id: string, data: unknown): AnyEvent {
  const timeMs = Math.floor(state.world.timeline.nowMs + state.life.skewMs);
  return { type, id, source: state.id, timeMs, data } as AnyEvent;
}
