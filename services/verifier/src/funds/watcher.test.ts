import type { Chain, PayerRequest } from '@paycrawl/chain/chain';
import { fail } from '@paycrawl/errors/paycrawl-error';
import type { EventOfType } from '@paycrawl/events/event';
import type { OwnedPartition } from '@paycrawl/fold/runtime';
import { type Specification, specify } from '@paycrawl/fold/specification';
import { afterEach, describe, expect, it } from 'vitest';
import { payer, proofOf, t0 } from '../admission/admission.given.js';
import { admission } from '../admission/decide.js';
import type { AdmissionOutput } from '../admission/state.js';
import { createFundsWatcher, type FundsWatcher } from './watcher.js';

let watcher: FundsWatcher | undefined;
afterEach(() => watcher?.close());

/** A chain that answers what the test says, when the test says. */
function createChain() {
  const state = {
    head: 100,
    balance: 5_000n,
    isAway: false,
    asked: [] as (readonly PayerRequest[])[],
    heads: 0,
    held: undefined as Promise<void> | undefined,
  };
  const block = (number: number) => ({
    number,
    hash: `0x${number.toString(16).padStart(64, '0')}` as const,
    parentHash: `0x${'0'.repeat(64)}` as const,
    timestampS: number,
    baseFeeWei: 0n,
  });
  const up = async () => {
    await state.held;
    if (state.isAway) throw fail('chain_unavailable', 'away');
  };
  const chain: Pick<Chain, 'chainId' | 'head' | 'block' | 'observePayers'> = {
    chainId: 84532,
    head: async () => {
      await up();
      state.heads += 1;
      return block(state.head);
    },
    block: async (number) => {
      await up();
      return block(Number(number));
    },
    observePayers: async (requests, depth) => {
      state.asked.push(requests);
      await up();
      return {
        block: block(state.head - depth),
        head: block(state.head),
        payers: requests.map(({ payer, asset, nonces }) => ({
          ...{ payer, asset, balance: state.balance, hasCode: false },
          nonces: nonces.map((nonce) => ({ nonce, used: false })),
        })),
      };
    },
  };
  return { chain: chain as Chain, state };
}

/** A partition whose log is a list: what is appended is folded at once. */
function createOwned(spec: Specification<AdmissionOutput>) {
  const appended: EventOfType<'FundsObserved'>['data'][] = [];
  const emitted: AdmissionOutput[] = [];
  const world = { driver: undefined as ReturnType<FundsWatcher['attach']> | undefined };
  const take = (outputs: readonly AdmissionOutput[]) => {
    emitted.push(...outputs);
    const cause = ['payments.1', 0, 0, 0] as const;
    world.driver?.onFolded?.(
      outputs.map((output) => ({ output, cause, nowMs: t0, trace: undefined })),
    );
  };
  const owned: OwnedPartition = {
    partition: 0,
    state: {
      get nowMs() {
        return t0;
      },
      get: (key) => spec.get(key),
      range: (prefix) => spec.range(prefix),
    },
    append: async (events) => {
      for (const { event } of events) {
        if (event.type !== 'FundsObserved') expect.fail(event.type);
        appended.push(event.data);
        take(spec.feed(event.type, event.data));
      }
    },
  };
  return {
    owned,
    appended,
    emitted,
    feed: (...args: Parameters<Specification<AdmissionOutput>['feed']>) => take(spec.feed(...args)),
    attach: (to: FundsWatcher) => {
      world.driver = to.attach(owned);
      return world.driver;
    },
  };
}

function watch(chain: Chain, over: Partial<Parameters<typeof createFundsWatcher>[0]> = {}) {
  watcher = createFundsWatcher({
    chain,
    depth: 4,
    batchPayersMax: 3,
    batchesInFlightMax: 2,
    blockPollMs: 10,
    backoffMaxMs: 40,
    clock: () => performance.now(),
    ...over,
  });
  return watcher;
}

function given() {
  const spec = specify(admission);
  spec.feed('TimePassed', {}, { atMs: t0 });
  return { ...createChain(), ...createOwned(spec), spec };
}

const types = (outputs: readonly AdmissionOutput[]) => outputs.map(({ type }) => type);

describe('the funds watcher', () => {
  it('behavior: a first proof is asked about at once, with its nonce, at depth', async () => {
    const { chain, state, appended, emitted, feed, attach } = given();
    attach(watch(chain, { blockPollMs: 60_000 }));
    const proof = proofOf(1);
    feed('ProofReceived', proof);
    await expect.poll(() => types(emitted)).toEqual(['FundsRequested', 'PaymentAccepted']);
    const { from, nonce } = proof.authorization;
    expect(state.asked).toEqual([[{ payer: from, asset: proof.asset, nonces: [nonce] }]]);
    expect(appended).toMatchObject([{ blockNumber: 96, balance: '5000' }]);
    expect(state.heads).toBe(0);
  });

  it('behavior: a new owner asks by itself, from the state alone', async () => {
    const { chain, appended, spec, attach } = given();
    spec.feed('ProofReceived', proofOf(1));
    attach(watch(chain));
    await expect.poll(() => appended.length).toBe(1);
  });

  it('behavior: those that come while batches are under way share the next ones', async () => {
    const { chain, state, feed, attach, appended } = given();
    attach(watch(chain));
    let release: () => void = () => {};
    state.held = new Promise((resolve) => {
      release = resolve;
    });
    for (let n = 1; n <= 2; n += 1) {
      feed('ProofReceived', proofOf(1, { payer: payer(n) }));
      await expect.poll(() => state.asked.length).toBe(n);
    }
    for (let n = 3; n <= 8; n += 1) feed('ProofReceived', proofOf(1, { payer: payer(n) }));
    release();
    await expect.poll(() => appended.length).toBe(8);
    expect(state.asked.map((batch) => batch.length)).toEqual([1, 1, 3, 3]);
  });

  it('behavior: a payer known at a block is asked about again at a higher one only', async () => {
    const { chain, state, feed, attach, appended, emitted } = given();
    attach(watch(chain));
    feed('ProofReceived', proofOf(1, { value: '9000' }));
    await expect.poll(() => types(emitted).at(-1)).toBe('PaymentRejected');
    feed('ProofReceived', proofOf(2, { value: '9000' }), { atMs: t0 + 2_000 });
    await expect
      .poll(() => types(emitted).filter((type) => type === 'PaymentRejected').length)
      .toBe(2);
    // The second proof was answered from the same block, without another question to the chain.
    expect(state.asked).toHaveLength(1);
    expect(appended.map(({ blockNumber }) => blockNumber)).toEqual([96, 96]);
    state.head += 1;
    state.balance = 10_000n;
    feed('ProofReceived', proofOf(3, { value: '9000' }), { atMs: t0 + 4_000 });
    await expect.poll(() => types(emitted).at(-1)).toBe('PaymentAccepted');
    expect(state.asked).toHaveLength(2);
  });

  it('behavior: while a transfer is deeper than the observation, one question per block', async () => {
    const { chain, state, feed, attach, appended, emitted, spec } = given();
    attach(watch(chain));
    const proof = proofOf(1, { kind: 'facilitated' });
    feed('ProofReceived', proof);
    await expect.poll(() => types(emitted).at(-1)).toBe('ChargePosted');
    const { chargeId, payer, publisherId, network, asset, amount, kind } = proof;
    feed('ChargeSettled', {
      ...{ chargeId, payer, publisherId, network, asset, amount, kind, batchId: 'b' },
      ...{ transactionHash: `0x${'1'.repeat(64)}`, blockNumber: 98, blockTimestampS: 1 },
      paidElsewhere: false,
    });
    const looked = state.heads;
    await expect.poll(() => state.heads).toBeGreaterThan(looked + 2);
    expect(appended).toHaveLength(1);
    for (const head of [101, 102]) {
      state.head = head;
      await expect.poll(() => appended.at(-1)?.blockNumber).toBe(head - 4);
    }
    await expect.poll(() => spec.range('w/')).toEqual([]);
    expect(appended).toHaveLength(3);
  });

  it('behavior: a node that fell behind answers nothing; the question stands', async () => {
    const { chain, state, feed, attach, appended, emitted } = given();
    attach(watch(chain));
    feed('ProofReceived', proofOf(1, { value: '9000' }));
    await expect.poll(() => types(emitted).at(-1)).toBe('PaymentRejected');
    state.head = 50;
    feed('ProofReceived', proofOf(2, { value: '9000' }), { atMs: t0 + 2_000 });
    const looked = state.heads;
    await expect.poll(() => state.heads).toBeGreaterThan(looked + 2);
    expect(appended).toHaveLength(1);
    expect(watcher?.standing().questions).toBe(1);
  });

  it('error: chain_unavailable: it asks on with back-off, says so, and goes on by itself', async () => {
    const { chain, state, feed, attach, emitted } = given();
    const failures: unknown[] = [];
    const watching = watch(chain, { onFailure: (error) => failures.push(error) });
    attach(watching);
    state.isAway = true;
    feed('ProofReceived', proofOf(1));
    await expect.poll(() => failures.length).toBeGreaterThan(2);
    expect(watching.trouble()).toMatchObject({ error: { code: 'chain_unavailable' } });
    state.isAway = false;
    await expect.poll(() => types(emitted).at(-1)).toBe('PaymentAccepted');
    expect(watching.trouble()).toBeUndefined();
  });

  it('behavior: a partition that is given away is asked about no more', async () => {
    const { chain, state, feed, attach } = given();
    const failures: unknown[] = [];
    const watching = watch(chain, { onFailure: (error) => failures.push(error) });
    const driver = attach(watching);
    state.isAway = true;
    feed('ProofReceived', proofOf(1));
    await expect.poll(() => failures.length).toBeGreaterThan(1);
    expect(watching.standing().questions).toBe(1);
    await driver.close();
    expect(watching.standing().questions).toBe(0);
  });
});
