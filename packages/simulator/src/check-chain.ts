import type { EventOfType } from '@paycrawl/events/event';
import { addressOfPayer } from '@paycrawl/events/ids';
import type { Block } from './chain-model.js';
import { eventsOf } from './events-of.js';
import type { World } from './world.js';

/** What the log says of the chain is true of the blocks that stayed. */
export function checkAgainstChain(world: World): void {
  const due = new Map<string, EventOfType<'ChargeDue'>['data']>();
  for (const { event } of eventsOf(world, 'charges')) {
    if (event.type === 'ChargeDue') due.set(event.data.chargeId, event.data);
    if (event.type === 'BatchObserved' || event.type === 'ChargesObserved') {
      checkBlock(world, event.type, event.data);
    }
  }
  for (const { event } of eventsOf(world, 'payments')) {
    if (event.type === 'FundsObserved') checkFunds(world, event.data);
    if (event.type === 'ChargeUncollectible') {
      checkUncollectible(world, event.data, due.get(event.data.chargeId));
    }
  }
}

function checkBlock(
  world: World,
  what: string,
  seen: { readonly blockNumber: number; readonly blockHash: string },
): Block | undefined {
  const block = world.chain.block(seen.blockNumber);
  if (block?.hash === seen.blockHash) return block;
  world.find('observation_orphaned', what, `block ${seen.blockNumber} did not stay`);
  return undefined;
}

function checkFunds(world: World, seen: EventOfType<'FundsObserved'>['data']): void {
  const block = checkBlock(world, `FundsObserved of ${seen.payer}`, seen);
  const balance = block?.state.balances.get(addressOfPayer(seen.payer)) ?? 0n;
  if (block === undefined || BigInt(seen.balance) <= balance) return;
  const text = `${seen.balance} at block ${seen.blockNumber}, truly ${balance}`;
  world.find('balance_overstated', seen.payer, text);
}

/** A charge is written off only when no transaction can move its money any more. */
function checkUncollectible(
  world: World,
  { chargeId, reason, blockNumber = -1 }: EventOfType<'ChargeUncollectible'>['data'],
  due: EventOfType<'ChargeDue'>['data'] | undefined,
): void {
  const block = world.chain.block(blockNumber);
  if (block === undefined || due === undefined) {
    return world.find('written_off_unproved', chargeId, `${reason} at block ${blockNumber}`);
  }
  const { from, nonce, validBefore } = due.authorization;
  const isEnded = block.state.ended.has(`${from}/${nonce}`);
  const isOver = !isEnded && BigInt(block.timestampS) >= BigInt(validBefore);
  if (reason === 'expired_unused' ? isOver : isEnded) return;
  world.find('written_off_early', chargeId, `${reason} is not true at block ${blockNumber}`);
}
