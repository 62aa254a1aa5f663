import type { EventOfType } from '@paycrawl/events/event';
import { type Specification, specify } from '@paycrawl/fold/specification';
import { beforeEach, expect, test } from 'vitest';
import { settlementFold } from './decide.js';
import type { Out } from './state.js';

const network = 'eip155:84532';
const asset = '0x036cbd53842c5426634e7929541ec2318f3dcf7e';
const signer = `0x${'5'.repeat(40)}`;
const from = `0x${'a'.repeat(40)}`;
const payTo = `0x${'b'.repeat(40)}`;
const hash = (digit: string) => `0x${digit.repeat(64)}`;
const atMs = 1_700_000_000_000;

let given: Specification<Out>;

beforeEach(() => {
  given = specify(settlementFold);
  given.feed('LaneOpened', { network, signer, firstNonce: 7, genesisHash: hash('0') }, { atMs });
});

function due(chargeId: string, sealAtOnce: boolean): EventOfType<'ChargeDue'>['data'] {
  const value = '1000';
  const valid = { validAfter: '0', validBefore: '3000000000' };
  return {
    ...{ chargeId, payer: `${network}:${from}`, publisherId: 'p1', network, asset, kind: 'crawl' },
    ...{ amount: value, payTo, signature: `0x${'11'.repeat(65)}`, settleAlone: false, sealAtOnce },
    authorization: { from, to: payTo, value, nonce: hash('1'), ...valid },
  };
}

function tracesOf(outputs: readonly Out[]): [string, string | null | undefined][] {
  return outputs.map(({ type, data, trace }) => [
    'chargeId' in data ? `${type} ${data.chargeId}` : type,
    trace,
  ]);
}

test('behavior: a batch keeps every charge in its own trace, also over a restart', async () => {
  given.feed('ChargeDue', due('c1', false));
  given.feed('ChargeDue', due('c2', false), { trace: 'two' });
  const sealed = given.feed('ChargeDue', due('c3', true), { trace: 'three' });
  expect(tracesOf(sealed)).toEqual([
    ['BatchSealed', 'two'],
    // Not recorded, and not by accident in the trace of whoever made the batch full.
    ['ChargeInFlight c1', null],
    ['ChargeInFlight c2', 'two'],
    ['ChargeInFlight c3', 'three'],
  ]);
  await given.restart();
  const batchId = 'b0-3-0';
  const fees = { maxFeePerGas: '1', maxPriorityFeePerGas: '1' };
  const chargeIds = ['c1', 'c2', 'c3'];
  const proposed = given.feed('AttemptProposed', {
    ...{ batchId, attempt: 1, network, signer, nonce: 7, chargeIds, withCode: [] },
    ...{ transactionHash: hash('9'), rawTransaction: '0x00', ...fees },
  });
  expect(tracesOf(proposed)).toEqual([['BatchSubmitted', 'two']]);
  const observed = given.feed('BatchObserved', {
    ...{ batchId, network, blockNumber: 9, blockHash: hash('8'), blockTimestampS: 1_700_000_009 },
    clockDifferenceMs: 0,
    mined: {
      ...{ by: 'attempt', attempt: 1, transactionHash: hash('9'), succeeded: true },
      ...{ gasUsed: '200000', gasCostWei: '1', minedBlockNumber: 8 },
    },
    answers: chargeIds.map((chargeId) => ({
      ...{ chargeId, answer: 'settled' as const, transactionHash: hash('9') },
    })),
  });
  expect(tracesOf(observed)).toEqual([
    ['ChargeSettled c1', null],
    ['ChargeSettled c2', 'two'],
    ['ChargeSettled c3', 'three'],
    ['GasSpent', 'two'],
    ['BatchConfirmed', 'two'],
  ]);
});
