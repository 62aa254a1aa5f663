import type { BlockHeader, Fees } from '@paycrawl/chain/chain';
import { fail, type PaycrawlError } from '@paycrawl/errors/paycrawl-error';
import type { DriverContext, Sight } from './driver-context.js';
import type { Lane } from './state.js';

/** Reads what one turn needs, and stops at a chain that is not the one that the log knows. */
export async function look(
  context: DriverContext,
  lane: Lane,
  knownHead?: BlockHeader,
): Promise<Sight | undefined> {
  const { chain, settings, signer } = context;
  const block = onceEach((number: number) => chain.block(number));
  const known = lane.block;
  // In one request: turns are as short as the way to the node allows.
  const [head, genesis, stillKnown] = await Promise.all([
    knownHead ?? chain.head(),
    block(0),
    known === undefined ? undefined : block(known.number),
  ]);
  const deepNumber = head.number - settings.finalityDepth;
  if (genesis !== undefined && genesis.hash !== lane.genesisHash) {
    throw mismatch('another genesis block');
  }
  if (known !== undefined && known.number > head.number) {
    throw fail('chain_unavailable', 'The chain node is behind what was seen before.');
  }
  if (known !== undefined && stillKnown !== undefined && stillKnown.hash !== known.hash) {
    throw mismatch(`block ${known.number} changed beneath the finality depth`);
  }
  if (deepNumber < 0) return undefined;
  const [deep, headNonce, deepNonce] = await Promise.all([
    block(deepNumber),
    chain.accountNonce(signer.address, head.number),
    chain.accountNonce(signer.address, deepNumber),
  ]);
  if (deep === undefined) throw fail('chain_unavailable', 'The chain node lost a block.');
  return {
    lane,
    headNumber: head.number,
    headTimestampS: head.timestampS,
    deep: { number: deep.number, hash: deep.hash, timestampS: deep.timestampS },
    headNonce,
    deepNonce,
    fees: onceEach<void, Fees>(() => chain.fees()),
    block,
  };
}

/** Asked when the first one wants it, and once for all. */
function onceEach<Key, Answer>(ask: (key: Key) => Promise<Answer>): (key: Key) => Promise<Answer> {
  const answers = new Map<Key, Promise<Answer>>();
  return (key) => {
    const answer = answers.get(key) ?? ask(key);
    answers.set(key, answer);
    return answer;
  };
}

export function mismatch(detail: string): PaycrawlError {
  return fail('chain_mismatch', `The chain is not the one that the log knows: ${detail}.`);
}
