import { readTransaction } from '@paycrawl/chain/transaction';
import { decodeEvent, type EventOfType } from '@paycrawl/events/event';
import { physicalTopic } from '@paycrawl/events/topics';
import type { Hex } from 'viem';
import type { World } from './world.js';

type Proposed = EventOfType<'AttemptProposed'>['data'];

/** Only bytes of attempts in force leave the house, and with the nonce that the fold gave out. */
export function checkSubmitted(world: World, raw: Hex): void {
  const proposed = attemptsInForce(world).find(({ rawTransaction }) => rawTransaction === raw);
  if (proposed === undefined) {
    return world.find('sent_before_intent', raw.slice(0, 20), 'bytes that are no attempt in force');
  }
  const { batchId, attempt, nonce } = proposed;
  const used = readTransaction(raw)?.nonce;
  if (used === nonce) return;
  world.find('nonce_not_given_out', batchId, `attempt ${attempt} uses ${used}, given was ${nonce}`);
}

/** The first one in the log with number k, if k−1 is in force. */
export function attemptsInForce({ broker, plan }: World): Proposed[] {
  const inForce: Proposed[] = [];
  const counts = new Map<string, number>();
  for (let partition = 0; partition < plan.partitions; partition++) {
    for (const { value } of broker.all({ topic: physicalTopic('charges'), partition })) {
      if (!value.includes('"AttemptProposed.')) continue;
      const decoded = decodeEvent(value);
      if (decoded.kind !== 'event' || decoded.event.type !== 'AttemptProposed') continue;
      const { data } = decoded.event;
      const count = counts.get(data.batchId) ?? 0;
      if (data.attempt !== count + 1) continue;
      counts.set(data.batchId, count + 1);
      inForce.push(data);
    }
  }
  return inForce;
}
