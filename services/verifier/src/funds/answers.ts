import type { BlockHeader, Chain, PayerObservation } from '@paycrawl/chain/chain';
import type { EventOfType } from '@paycrawl/events/event';
import type { OwnedPartition } from '@paycrawl/fold/runtime';
import { account, type Wanted } from '../admission/state.js';
import { type Question, requestOf } from './questions.js';

type FundsObserved = EventOfType<'FundsObserved'>;

export interface Asked {
  readonly question: Question;
  readonly wanted: Wanted;
}

export interface AnswerContext {
  readonly chain: Chain;
  readonly depth: number;
  clock(): number;
}

/** Asks the chain about all of them at once and appends what it said to their partitions. */
export async function observe(asked: readonly Asked[], context: AnswerContext): Promise<void> {
  const { chain, depth } = context;
  const requests = asked.map(({ question, wanted }) => requestOf(question, wanted));
  const { block, payers } = await chain.observePayers(requests, depth);
  const seen = asked.map((one, index) => {
    const observation = payers[index];
    return observation === undefined ? [] : [answerOf(one, observation, block, context.clock())];
  });
  await appendAll(seen.flat());
}

/**
 * No new block, but a proof waits: it is told that what is known of this very block stands. The
 * fold takes no figure from it.
 */
export async function repeat(asked: readonly Asked[], block: BlockHeader, context: AnswerContext) {
  await appendAll(
    asked.flatMap((one) => {
      const { funds } = account(one.question.owned.state, one.wanted);
      if (funds === undefined || funds.blockNumber !== block.number) return [];
      const { payer, asset } = requestOf(one.question, one.wanted);
      return [answerOf(one, { payer, asset, ...funds, nonces: [] }, block, context.clock())];
    }),
  );
}

interface Answer {
  readonly question: Question;
  readonly event: FundsObserved;
}

function answerOf(
  { question, wanted }: Asked,
  { balance, hasCode, nonces }: PayerObservation,
  block: BlockHeader,
  timeMs: number,
): Answer {
  const { payer, network, asset } = wanted;
  const event: FundsObserved = {
    type: 'FundsObserved',
    id: `funds/${payer}/${asset}/${block.number}/${timeMs}`,
    source: 'verifier',
    timeMs,
    data: {
      ...{ payer, network, asset, hasCode },
      balance: balance.toString(),
      blockNumber: block.number,
      blockHash: block.hash,
      blockTimestampS: block.timestampS,
      nonces: nonces.map(({ nonce, used }) => ({ nonce, used })),
    },
  };
  return { question, event };
}

async function appendAll(answers: readonly Answer[]): Promise<void> {
  const byOwner = new Map<OwnedPartition, Answer[]>();
  for (const answer of answers) {
    const list = byOwner.get(answer.question.owned) ?? [];
    list.push(answer);
    byOwner.set(answer.question.owned, list);
  }
  await Promise.all([...byOwner].map(([owned, list]) => append(owned, list)));
}

async function append(owned: OwnedPartition, answers: readonly Answer[]): Promise<void> {
  // Marked before the append: the fold may come to it before the append resolves here.
  for (const { question, event } of answers) question.answeredBlock = event.data.blockNumber;
  try {
    await owned.append(answers.map(({ event }) => ({ key: event.data.payer, event })));
  } catch (error) {
    for (const { question } of answers) question.answeredBlock = undefined;
    throw error;
  }
}
