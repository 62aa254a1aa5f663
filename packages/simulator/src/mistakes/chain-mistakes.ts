import { readTransaction, signTransaction } from '@paycrawl/chain/transaction';
import type { AnyEvent, EventOfType } from '@paycrawl/events/event';
import type { OwnedPartition } from '@paycrawl/fold/runtime';
import type { Hex } from 'viem';
import type { Planted } from '../planted.js';

/** Funds are read at the head, and stay when its block does not. */
export const orphanedObservationKept: Planted = {
  chain: (chain, { use }) =>
    use === 'funds'
      ? { ...chain, observePayers: (requests) => chain.observePayers(requests, 0) }
      : chain,
};

export const answersAtHead: Planted = {
  settings: (settings) => ({ ...settings, finalityDepth: 0 }),
};

type Around = Parameters<NonNullable<Planted['owned']>>[1];
type Change = (event: AnyEvent, place: Around) => AnyEvent | Promise<AnyEvent>;

/** Changes what settlement's driver appends. */
function appending(change: Change): Planted {
  return {
    owned: (owned, place): OwnedPartition => ({
      ...owned,
      async append(events) {
        const changed = [];
        for (const { key, event } of events)
          changed.push({ key, event: await change(event, place) });
        await owned.append(changed);
      },
    }),
  };
}

/** A transfer that failed is given up, as if it could never succeed. */
export const unfundedIsFinal = appending((event) => {
  if (event.type !== 'BatchObserved') return event;
  const answers = event.data.answers.map((one) =>
    one.answer === 'unused' ? ({ ...one, answer: 'expired_unused' } as const) : one,
  );
  return { ...event, data: { ...event.data, answers } };
});

export const bytesBeforeIntent = appending((event, { chain }) => {
  if (event.type !== 'AttemptProposed') return event;
  void chain.submit(event.data.rawTransaction as Hex).catch(() => {});
  return event;
});

export const feeBumpWithNewNonce = appending((event, { key }) => {
  if (event.type !== 'AttemptProposed' || event.data.attempt === 1) return event;
  return signedAgain(event, key, event.data.nonce + 1);
});

/** As the chain tells it at the moment, whatever the fold gave out. */
export const nonceOfDriver = appending(async (event, { key, chain }) => {
  if (event.type !== 'AttemptProposed') return event;
  const nonce = await chain.accountNonce(event.data.signer as Hex, 'pending');
  return nonce === event.data.nonce ? event : signedAgain(event, key, nonce);
});

async function signedAgain(
  event: EventOfType<'AttemptProposed'>,
  key: Hex,
  nonce: number,
): Promise<AnyEvent> {
  const draft = readTransaction(event.data.rawTransaction as Hex);
  if (draft === undefined) return event;
  const signed = await signTransaction({ ...draft, nonce }, key);
  const data = { ...event.data, rawTransaction: signed.raw, transactionHash: signed.hash };
  return { ...event, data };
}
