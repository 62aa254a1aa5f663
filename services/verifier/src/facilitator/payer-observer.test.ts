import type { Chain } from '@paycrawl/chain/chain';
import { fail } from '@paycrawl/errors/paycrawl-error';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createPayerObserver, type PayerQuestion } from './payer-observer.js';

const asset = `0x${'a'.repeat(40)}` as const;

function question(n: number, nonce: number): PayerQuestion {
  const hex = (value: number, digits: number) =>
    `0x${value.toString(16).padStart(digits, '0')}` as const;
  return { payer: hex(n, 40), asset, nonce: hex(nonce, 64) };
}

function given(batchesInFlightMax = 1) {
  const state = {
    ...{ nowMs: 0, isAway: false, used: new Set<string>() },
    answered: Promise.resolve(),
  };
  const calls: string[] = [];
  const zero = `0x${'0'.repeat(64)}` as const;
  const block = { number: 7, hash: zero, parentHash: zero, timestampS: 1, baseFeeWei: 0n };
  const up = () => {
    if (state.isAway) throw fail('chain_unavailable', 'away');
  };
  const chain: Pick<Chain, 'observePayers' | 'authorizationStates'> = {
    observePayers: async (requests) => {
      calls.push(`payers ${requests.length}`);
      await state.answered;
      up();
      const payers = requests.map((request) => ({
        ...{ payer: request.payer, asset, balance: 5n, hasCode: false },
        nonces: request.nonces.map((nonce) => ({ nonce, used: state.used.has(nonce) })),
      }));
      return { block, head: block, payers };
    },
    authorizationStates: async ({ authorizations, blockNumber }) => {
      calls.push(`nonces ${authorizations.length} at ${blockNumber}`);
      up();
      return authorizations.map(({ nonce }) => state.used.has(nonce));
    },
  };
  const observer = createPayerObserver({
    chain: chain as Chain,
    ...{ depth: 1, batchPayersMax: 3, batchesInFlightMax, freshMs: 1_000 },
    ...{ payersRememberedMax: 100, clock: () => state.nowMs },
  });
  return { state, calls, observe: observer.observe };
}

/** Whoever waits for a turn of the loop had it. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe('the payer observer', () => {
  it('behavior: questions that come side by side share round trips', async () => {
    const { calls, observe } = given();
    const answers = await Promise.all([1, 2, 3, 4].map((n) => observe(question(n, n))));
    expect(calls).toEqual(['payers 3', 'payers 1']);
    expect(answers).toEqual(
      Array.from({ length: 4 }, () => ({ balance: 5n, hasCode: false, isNonceUsed: false })),
    );
  });

  it('behavior: what is asked while others are under way gathers, and waits for none', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const { state, calls, observe } = given(4);
    let answer = (): void => undefined;
    state.answered = new Promise((resolve) => {
      answer = resolve;
    });
    const slow = observe(question(1, 1));
    await nextTurn();
    const gathered = [observe(question(2, 2))];
    await nextTurn();
    gathered.push(observe(question(3, 3)));
    await nextTurn();
    expect(calls).toEqual(['payers 1']);
    vi.runAllTimers();
    expect(calls).toEqual(['payers 1', 'payers 2']);
    answer();
    await Promise.all([slow, ...gathered]);
  });

  it('behavior: where many ask, one waits for others also while none are under way', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const { calls, observe } = given(4);
    await Promise.all([observe(question(1, 1)), observe(question(2, 2))]);
    const alone = observe(question(3, 3));
    await nextTurn();
    expect(calls).toEqual(['payers 2']);
    vi.runAllTimers();
    await alone;
    // Nobody came: the next one does not wait.
    await observe(question(4, 4));
    expect(calls).toEqual(['payers 2', 'payers 1', 'payers 1']);
  });

  it('behavior: of one payer is asked once, about all of its nonces', async () => {
    const { state, calls, observe } = given();
    state.used.add(question(1, 2).nonce);
    const nonces = [1, 2, 3].map((nonce) => observe(question(1, nonce)));
    expect((await Promise.all(nonces)).map(({ isNonceUsed }) => isNonceUsed)).toEqual([
      false,
      true,
      false,
    ]);
    expect(calls).toEqual(['payers 1']);
  });

  it('behavior: a payer is looked at once in a while, its nonces always', async () => {
    const { state, calls, observe } = given();
    await observe(question(1, 1));
    state.used.add(question(1, 2).nonce);
    expect(await observe(question(1, 2))).toMatchObject({ isNonceUsed: true, balance: 5n });
    state.nowMs = 1_001;
    await observe(question(1, 3));
    expect(calls).toEqual(['payers 1', 'nonces 1 at 7', 'payers 1']);
  });

  it('error: chain_unavailable reaches who asked; the next question is asked anew', async () => {
    const { state, observe } = given();
    state.isAway = true;
    await expect(observe(question(1, 1))).rejects.toMatchObject({ code: 'chain_unavailable' });
    state.isAway = false;
    expect(await observe(question(1, 1))).toMatchObject({ balance: 5n });
  });
});
