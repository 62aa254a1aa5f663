import type { AuthorizationEnd, Chain } from '@paycrawl/chain/chain';
import { describe, expect, it } from 'vitest';
import { auditLog } from './audit-log.js';
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
