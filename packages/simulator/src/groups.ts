import { fail } from '@paycrawl/errors/paycrawl-error';
import type { GroupMember, GroupOptions, TopicPartition } from '@paycrawl/event-log/event-log';
import type { Broker } from './broker.js';
import type { Random } from './random.js';
import type { Life, Timeline } from './timeline.js';
import type { Weather } from './weather.js';

/** Who owns which partition, as far as the group knows; members may know it late. */
export interface Groups {
  join(life: Life, options: GroupOptions): GroupMember;
  committed(groupId: string, place: TopicPartition): number | undefined;
  /** Moves one partition; as a zombie, the former owner goes on for a while without knowing. */
  rebalance(how: 'graceful' | 'zombie'): void;
  /** Its partitions go to others once its session is over. */
  memberDied(life: Life): void;
}

export interface GroupsOptions {
  readonly timeline: Timeline;
  readonly weather: Weather;
  readonly broker: Broker;
  readonly random: Random;
  note(text: string): void;
}

interface Holding {
  readonly place: TopicPartition;
  isStopping: boolean;
  readonly ended: Promise<void>;
}

interface Member {
  readonly life: Life;
  readonly options: GroupOptions;
  readonly holdings: Map<string, Holding>;
  isClosing: boolean;
}

interface Group {
  readonly id: string;
  readonly members: Member[];
  readonly owners: Map<string, Member>;
  readonly commits: Map<string, number>;
  isSharing: boolean;
}

const batchRecordsUsual = 40;

export function createGroups(options: GroupsOptions): Groups {
  const groups = new Map<string, Group>();
  const groupOf = (id: string): Group => {
    const fresh: Group = {
      ...{ id, members: [], owners: new Map(), commits: new Map(), isSharing: false },
    };
    const known = groups.get(id) ?? fresh;
    groups.set(id, known);
    return known;
  };
  return {
    join(life, groupOptions) {
      const group = groupOf(groupOptions.groupId);
      const member: Member = { life, options: groupOptions, holdings: new Map(), isClosing: false };
      group.members.push(member);
      share(group, options);
      return memberPort(group, member, options);
    },
    committed: (groupId, place) => groupOf(groupId).commits.get(keyOf(place)),
    rebalance(how) {
      const shared = [...groups.values()].filter(({ members }) => members.length > 1);
      if (shared.length > 0) moveOne(options.random.pick(shared), how, options);
    },
    memberDied(life) {
      for (const group of groups.values()) {
        const dead = group.members.findIndex((member) => member.life === life);
        if (dead < 0) continue;
        const [member] = group.members.splice(dead, 1);
        for (const [key, owner] of group.owners) if (owner === member) group.owners.delete(key);
        share(group, options);
      }
    },
  };
}

function memberPort(group: Group, member: Member, options: GroupsOptions): GroupMember {
  const { timeline, weather } = options;
  const { life } = member;
  return {
    async commit(place, nextOffset) {
      await timeline.sleep(weather.delayMs('network'), life);
      if (weather.happens('commit_failed'))
        throw fail('log_unavailable', 'The group is rebalancing.');
      if (group.owners.get(keyOf(place)) === member) group.commits.set(keyOf(place), nextOffset);
    },
    async close() {
      if (member.isClosing) return;
      member.isClosing = true;
      await Promise.all([...member.holdings.values()].map((holding) => stop(holding)));
      const at = group.members.indexOf(member);
      if (at >= 0) group.members.splice(at, 1);
      for (const [key, owner] of group.owners) if (owner === member) group.owners.delete(key);
      share(group, options);
    },
  };
}

/** Gives what nobody owns to somebody, a moment later. */
function share(group: Group, options: GroupsOptions): void {
  if (group.isSharing) return;
  group.isSharing = true;
  const { timeline, random } = options;
  const world = { name: 'groups', isDead: false, skewMs: 0 };
  timeline.after(random.draw() * 100, world, () => {
    group.isSharing = false;
    for (const member of group.members) {
      for (const place of placesOf(member, options.broker)) {
        if (group.owners.has(keyOf(place))) continue;
        const free = group.members.filter(
          (one) => !one.isClosing && !one.life.isDead && !one.holdings.has(keyOf(place)),
        );
        if (free.length > 0) assign(group, random.pick(free), place, options);
      }
    }
  });
}

function placesOf({ options }: Member, broker: Broker): TopicPartition[] {
  return options.topics.flatMap((topic) => {
    const partitions = broker.topics.get(topic)?.partitions ?? 0;
    return Array.from({ length: partitions }, (_, partition) => ({ topic, partition }));
  });
}

function moveOne(group: Group, how: 'graceful' | 'zombie', options: GroupsOptions): void {
  const { random, timeline, note } = options;
  const owned = [...group.owners];
  if (owned.length === 0) return;
  const [key, owner] = random.pick(owned);
  const heirs = group.members.filter(
    (one) => one !== owner && !one.isClosing && !one.holdings.has(key),
  );
  const holding = owner.holdings.get(key);
  if (heirs.length === 0 || holding === undefined) return;
  const heir = random.pick(heirs);
  note(`${how} rebalance of ${key}: ${owner.life.name} -> ${heir.life.name}`);
  if (how === 'zombie') {
    assign(group, heir, holding.place, options);
    timeline.after(random.draw() * 15_000, owner.life, () => void stop(holding));
    return;
  }
  group.owners.delete(key);
  timeline.after(0, owner.life, () => {
    void stop(holding).then(() => {
      if (!group.owners.has(key) && !heir.isClosing && !heir.life.isDead) {
        assign(group, heir, holding.place, options);
      } else share(group, options);
    });
  });
}

function assign(group: Group, member: Member, place: TopicPartition, options: GroupsOptions): void {
  group.owners.set(keyOf(place), member);
  const { timeline, random } = options;
  let begin = (): void => {};
  const holding: Holding = {
    place,
    isStopping: false,
    ended: new Promise<void>((resolve) => {
      begin = () => void pump(group, member, holding, options).then(resolve);
    }),
  };
  member.holdings.set(keyOf(place), holding);
  timeline.after(random.draw() * 20, member.life, () => begin());
}

/** The last batch, onRevoke, and only then may this member have it again. */
async function stop(holding: Holding): Promise<void> {
  holding.isStopping = true;
  await holding.ended;
}

async function pump(
  group: Group,
  member: Member,
  holding: Holding,
  options: GroupsOptions,
): Promise<void> {
  const { options: told } = member;
  const { place } = holding;
  try {
    const from = await told.onAssign(place, group.commits.get(keyOf(place)));
    await follow(member, holding, from, options);
  } catch (error) {
    told.onError(error);
  }
  try {
    await told.onRevoke(place);
  } catch (error) {
    told.onError(error);
  }
  member.holdings.delete(keyOf(place));
  share(group, options);
}

async function follow(
  member: Member,
  holding: Holding,
  from: number,
  { timeline, weather, broker, random }: GroupsOptions,
): Promise<void> {
  const { place } = holding;
  const { life } = member;
  for (let offset = from; ; ) {
    await timeline.sleep(weather.delayMs('network'), life);
    if (holding.isStopping) return;
    const records = broker.read(place, offset, random.between(1, batchRecordsUsual));
    const last = records.at(-1);
    if (last !== undefined) {
      await member.options.onRecords(place, records);
      offset = last.offset + 1;
      continue;
    }
    await news({ timeline, broker }, place, life);
  }
}

/** Until something is appended; looks by itself now and then, so that a stop is noticed. */
function news(
  { timeline, broker }: Pick<GroupsOptions, 'timeline' | 'broker'>,
  place: TopicPartition,
  life: Life,
): Promise<void> {
  return new Promise((resolve) => {
    let isOver = false;
    const look = timeline.after(2_000, life, () => {
      isOver = true;
      resolve();
    });
    broker.onNext(place, () => {
      if (isOver) return;
      look.cancel();
      timeline.after(0, life, resolve);
    });
  });
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}
