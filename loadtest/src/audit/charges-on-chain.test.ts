import type { AuthorizationEnd, Chain } from '@paycrawl/chain/chain';
import { describe, expect, it } from 'vitest';
import { auditLog } from './audit-log.js';
import type { ChargeStory } from './charges.js';
import { auditChain } from './charges-on-chain.js';
import { asset, from, nonceOf, payTo, soundLog } from './platform-log.given.js';

type Hex = `0x${string}`;

/** The chain as the sound log says it is: charge 1 is settled, charge 2 written off. */
function endOf(n: number, bent: Partial<AuthorizationEnd> = {}): AuthorizationEnd {
  return {
    authorizer: from as Hex,
    nonce: nonceOf(n) as Hex,
    kind: 'used',
    transactionHash: nonceOf(9) as Hex,
    blockNumber: 20,
    blockHash: nonceOf(20) as Hex,
    logIndex: 0,
    transfer: { from: from as Hex, to: payTo as Hex, value: 1000n, logIndex: 1 },
    ...bent,
  };
}

function chainWith(ends: readonly AuthorizationEnd[], balance = 1000n): Chain {
  const answers: Partial<Chain> = {
    chainId: 84532,
    head: async () => ({ number: 30 }) as Awaited<ReturnType<Chain['head']>>,
    authorizationEvents: async ({ authorizations, fromBlock, toBlock }) => {
      expect([fromBlock, toBlock]).toEqual([0, 30]);
      const asked = new Set(authorizations.map(({ nonce }) => nonce));
      return ends.filter(({ nonce }) => asked.has(nonce));
    },
    balanceOf: async () => balance,
  };
  return answers as Chain;
}

async function audited(chain: Chain) {
  const log = soundLog();
  const { stories } = await auditLog([log.records()], []);
  return auditChain(chain, stories.values(), { keepers: new Set([payTo]) });
}

describe('settled charges and the chain', () => {
  it('behavior: each is one transfer, and the payee holds what it was paid', async () => {
    const { findings, payees } = await audited(chainWith([endOf(1)]));
    expect(findings).toEqual([]);
    expect(payees).toEqual([{ payTo, asset, settled: 1000n, balance: 1000n }]);
  });

  const other = { from: from as Hex, to: payTo as Hex, value: 999n, logIndex: 1 };
  it.each<[string, string, Chain]>([
    ['no use of the authorization', 'chain_transfer_missing', chainWith([])],
    ['it was cancelled', 'chain_transfer_missing', chainWith([endOf(1, { kind: 'cancelled' })])],
    ['another amount', 'chain_transfer_differs', chainWith([endOf(1, { transfer: other })])],
    ['no transfer', 'chain_transfer_differs', chainWith([endOf(1, { transfer: undefined })])],
    [
      'another transaction',
      'chain_transfer_differs',
      chainWith([endOf(1, { transactionHash: nonceOf(8) as Hex })]),
    ],
    ['written off, and paid', 'chain_paid_but_written_off', chainWith([endOf(1), endOf(2)])],
    ['the payee holds less', 'chain_balance_short', chainWith([endOf(1)], 999n)],
  ])('behavior: found: %s', async (_name, rule, chain) => {
    const { findings } = await audited(chain);
    expect(findings.map((finding) => finding.rule)).toEqual([rule]);
  });
});

describe('very many settled charges', () => {
  const count = 6_000;
  const perBlock = 100;
  const hexOf = (n: number) => `0x${n.toString(16).padStart(64, '0')}` as Hex;
  const blockOf = (n: number) => 1_000 + Math.floor(n / perBlock);
  const head = 2_000;
  const stories = Array.from({ length: count }, (_, n): ChargeStory => {
    const ids = { chargeId: `c${n}`, payer: 'p', publisherId: 'demo', network: 'eip155:84532' };
    const settledIn = {
      ...{ batchId: 'b', transactionHash: hexOf(blockOf(n)), paidElsewhere: false },
      // It was seen at depth.
      blockNumber: blockOf(n) + 4,
    };
    return {
      ...{ ...ids, asset, amount: 1000n, kind: 'crawl', hold: undefined },
      ...{ wasHeld: true, lost: false },
      charge: { authorization: { from, nonce: hexOf(n) }, payTo, at: 'settled', settledIn },
    };
  });

  /** All transfers are there, but for that of one charge; counts the blocks that were searched. */
  function longChain(missing?: number) {
    const searched: { blocks: number; authorizations: number }[] = [];
    const answers: Partial<Chain> = {
      chainId: 84532,
      head: async () => ({ number: head }) as Awaited<ReturnType<Chain['head']>>,
      authorizationEvents: async ({ authorizations, fromBlock, toBlock }) => {
        searched.push({ blocks: toBlock - fromBlock, authorizations: authorizations.length });
        return authorizations.flatMap(({ nonce }) => {
          const n = Number.parseInt(nonce, 16);
          const block = blockOf(n);
          if (n === missing || block < fromBlock || block > toBlock) return [];
          const place = { transactionHash: hexOf(block), blockNumber: block };
          return [endOf(1, { nonce, ...place })];
        });
      },
      balanceOf: async () => 6_000_000n,
    };
    return { chain: answers as Chain, searched };
  }

  it('behavior: they are found around the blocks that the log names', async () => {
    const { chain, searched } = longChain();
    const { findings } = await auditChain(chain, stories, { keepers: new Set([payTo]) });
    expect(findings).toEqual([]);
    const whole = searched.filter(({ blocks }) => blocks === head);
    expect(whole.map(({ authorizations }) => authorizations)).toEqual([0]);
    expect(Math.max(...searched.slice(0, -1).map(({ blocks }) => blocks))).toBeLessThan(150);
  });

  it('behavior: one that is not there is looked for everywhere, and found missing', async () => {
    const { chain, searched } = longChain(77);
    const { findings } = await auditChain(chain, stories, { keepers: new Set([payTo]) });
    expect(findings.map(({ rule, id }) => [rule, id])).toEqual([['chain_transfer_missing', 'c77']]);
    expect(searched.at(-1)).toEqual({ blocks: head, authorizations: 1 });
  });
});
