import type { Random } from './random.js';
import { createLife } from './timeline.js';
import type { World } from './world.js';

const usualFeeWei = 1_000_000_000n;

/** The chain goes on by itself: blocks, dear times, forgetful nodes and reorganisations. */
export function startMiners(world: World): void {
  const random = world.random.fork('miners');
  const life = createLife('miners');
  let highest = 0;
  const turn = (): void => {
    world.timeline.after(world.plan.blockTimeMs, life, turn);
    highest = Math.max(highest, world.chain.head().number);
    if (!world.weather.isClear) disturb(world, random, highest);
    else world.chain.baseFeeWei = usualFeeWei;
    world.chain.mine(Math.floor(world.timeline.nowMs / 1000));
  };
  turn();
}

function disturb(world: World, random: Random, highest: number): void {
  const { chain } = world;
  if (random.chance(0.08)) reorganise(world, random, highest);
  if (random.chance(0.05)) chain.forget(() => random.chance(0.5));
  if (random.chance(0.1)) chain.baseFeeWei = usualFeeWei * BigInt(random.between(1, 6));
}

/** Never beneath the finality depth of the highest block that was seen: that is what it means. */
function reorganise({ chain, plan, note }: World, random: Random, highest: number): void {
  const before = chain.head().number;
  const deepest = before - Math.max(0, highest - plan.depth);
  if (deepest < 1) return;
  const depth = random.between(1, deepest);
  chain.reorganise(depth, () => random.chance(0.7));
  note(`reorganisation of ${depth} blocks at ${before}`);
  const mined = random.between(depth - 1, depth + 1);
  const timestampS = chain.head().timestampS;
  for (let block = 0; block < mined; block++) chain.mine(timestampS + 1 + block);
}
