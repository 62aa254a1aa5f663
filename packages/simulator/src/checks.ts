import { physicalTopic, type TopicName } from '@paycrawl/events/topics';
import { auditLog, type PartitionRecords } from '@paycrawl/loadtest/audit/audit-log';
import { auditChain } from '@paycrawl/loadtest/audit/charges-on-chain';
import { createTruthfulPort } from './chain-port.js';
import { checkAgainstChain } from './check-chain.js';
import { checkProjections } from './check-projections.js';
import { checkReplays } from './check-replay.js';
import { checkRequests } from './check-requests.js';
import { payTo, type World } from './world.js';

/** Everything that must hold after a history; what does not is found in the world. */
export async function checkHistory(
  world: World,
): Promise<{ charged: number; settled: number; records: number }> {
  const { broker } = world;
  const deadLetters = broker.all({ topic: physicalTopic('dead-letters'), partition: 0 });
  const audit = await auditLog(partitionsOf(world), deadLetters);
  for (const { rule, id, detail } of audit.findings) world.find(rule, id, detail);
  const stories = [...audit.stories.values()];
  for (const { chargeId, hold, charge } of stories) {
    if (hold !== undefined) world.find('hold_open', chargeId, 'accepted, and without an end');
    const at = charge?.at;
    if (at === 'in_flight' || at === 'payer_receivable') world.find('charge_open', chargeId, at);
  }
  const chain = createTruthfulPort(world.chain);
  const onChain = await auditChain(chain, stories, { keepers: new Set([payTo]) });
  for (const { rule, id, detail } of onChain.findings) world.find(rule, id, detail);
  checkAgainstChain(world);
  checkRequests(world);
  await checkReplays(world);
  await checkProjections(world, audit);
  const { charged, settled, records } = audit.counts;
  return { charged, settled, records };
}

function partitionsOf({ plan, broker }: World): PartitionRecords[] {
  return Array.from({ length: plan.partitions }, (_, partition) => {
    const all = (topic: TopicName) => broker.all({ topic: physicalTopic(topic), partition });
    const [payments, decisions, charges] = [all('payments'), all('decisions'), all('charges')];
    return {
      ...{ generation: 1, isGrown: false, partition, payments, decisions, charges },
      ledger: all('ledger'),
      settlements: all('settlements'),
      done: {
        payments: payments.length,
        decisions: decisions.length,
        charges: charges.length,
      },
    };
  });
}
