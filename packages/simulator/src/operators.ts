import { type AnyEvent, encodeEvent } from '@paycrawl/events/event';
import { addressOfPayer } from '@paycrawl/events/ids';
import { physicalTopic, type TopicName } from '@paycrawl/events/topics';
import type { Random } from './random.js';
import { createLife } from './timeline.js';
import { partitionOf, type World } from './world.js';

/** What people and strangers do to a running platform; what is frozen thaws before the end. */
export function startOperators(world: World): void {
  const random = world.random.fork('operators');
  const acts = [poison, freezePayer, freezePublisher, freezeSigner, useLane, giveCode] as const;
  for (let count = random.between(0, 3); count > 0; count--) {
    const act = random.pick(acts);
    const atMs = random.draw() * world.plan.activeMs;
    world.timeline.after(atMs, createLife('operator'), () => act(world, random));
  }
}

const poisoned: readonly TopicName[] = [
  'payments',
  'decisions',
  'charges',
  'ledger',
  'settlements',
];

/** Bytes that nobody can read, in the middle of a topic. */
function poison({ broker, plan, note }: World, random: Random): void {
  const topic = physicalTopic(random.pick(poisoned));
  const partition = random.between(0, plan.partitions - 1);
  note(`poison in ${topic}/${partition}`);
  const bytes = random.pick([
    '{"type":',
    '{"type":"Nothing.v1","id":"x"}',
    '{"type":"TimePassed.v1"}',
  ]);
  broker.append([{ topic, partition, key: 'poison', value: Buffer.from(bytes) }]);
}

function freezePayer(world: World, random: Random): void {
  const payer = random.pick(world.plan.payers);
  const place = { topic: 'payments', partition: partitionOf(world, payer) } as const;
  const data = { payer, reason: 'test' };
  freeze(world, random, place, ['PayerFrozen', data], ['PayerUnfrozen', { payer }]);
}

function freezePublisher(world: World, random: Random): void {
  const publisherId = 'publisher-1';
  for (let partition = 0; partition < world.plan.partitions; partition++) {
    const place = { topic: 'payments', partition } as const;
    const data = { publisherId, reason: 'test' };
    freeze(world, random, place, ['PublisherFrozen', data], ['PublisherUnfrozen', data]);
  }
}

function freezeSigner(world: World, random: Random): void {
  const partition = random.between(0, world.plan.partitions - 1);
  const signer = world.signers[partition]?.address;
  const data = { signer, reason: 'test' };
  const place = { topic: 'charges', partition } as const;
  freeze(world, random, place, ['SignerFrozen', data], ['SignerUnfrozen', data]);
}

type Written = readonly [type: AnyEvent['type'], data: object];

function freeze(
  { timeline, broker, names, plan }: World,
  random: Random,
  place: { readonly topic: TopicName; readonly partition: number },
  [frozen, data]: Written,
  [thawed, why]: Written,
): void {
  const append = (type: AnyEvent['type'], content: object): void => {
    const id = `operator/${names.next()}`;
    const timeMs = Math.floor(timeline.nowMs);
    const event = { type, id, source: 'operator', timeMs, data: { reason: 'test', ...content } };
    const target = { topic: physicalTopic(place.topic), partition: place.partition };
    broker.append([{ ...target, key: 'operator', value: encodeEvent(event as AnyEvent) }]);
  };
  append(frozen, data);
  const forMs = random.draw() * plan.activeMs;
  timeline.after(forMs, createLife('operator'), () => append(thawed, why));
}

/** Somebody else has the key of a lane: its next nonce is used by a transaction that is no attempt. */
function useLane({ chain, signers, note }: World, random: Random): void {
  const { address } = random.pick(signers);
  note(`a stranger uses a nonce of ${address}`);
  chain.act({ kind: 'stranger', signer: address });
}

/** A payer's account gets code, which may refuse to pay. */
function giveCode({ chain, plan, note }: World, random: Random): void {
  const account = addressOfPayer(random.pick(plan.payers));
  const refuses = random.chance(0.3);
  note(`${account} has code now${refuses ? ', which refuses' : ''}`);
  chain.act({ kind: 'code', of: account, refuses });
}
