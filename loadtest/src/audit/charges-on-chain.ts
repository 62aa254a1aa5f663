import type { AuthorizationEnd, Chain } from '@paycrawl/chain/chain';
import type { ChargeStory } from './charges.js';
import { type Finding, reporter } from './finding.js';

export interface ChainAudit {
  readonly findings: readonly Finding[];
  /** Per payee: what the log says was paid to it, and what it holds now. */
  readonly payees: readonly { payTo: string; asset: string; settled: bigint; balance: bigint }[];
}

/**
 * Every settled charge is one use of its authorization with exactly its transfer on chain; none
 * that was written off is. Payees that are known not to spend hold at least what they were paid.
 */
export async function auditChain(
  chain: Chain,
  stories: Iterable<ChargeStory>,
  options: { readonly keepers: ReadonlySet<string> },
): Promise<ChainAudit> {
  const findings: Finding[] = [];
  const report = reporter(findings);
  const { number: head } = await chain.head();
  const byAsset = new Map<string, ChargeStory[]>();
  for (const story of stories) {
    if (story.charge === undefined || !story.network.endsWith(`:${chain.chainId}`)) continue;
    byAsset.set(story.asset, [...(byAsset.get(story.asset) ?? []), story]);
  }
  const payees: { payTo: string; asset: string; settled: bigint; balance: bigint }[] = [];
  for (const [asset, charged] of byAsset) {
    const ends = await endsOf(chain, asset, charged, head);
    for (const story of charged) checkCharge(story, ends.get(keyOf(story)), report);
    for (const [payTo, settled] of settledByPayee(charged)) {
      const balance = await chain.balanceOf(asset as `0x${string}`, payTo as `0x${string}`, head);
      if (options.keepers.has(payTo) && balance < settled) {
        report('chain_balance_short', payTo, `paid ${settled}, holds ${balance}`);
      }
      payees.push({ payTo, asset, settled, balance });
    }
  }
  return { findings, payees };
}

function keyOf({ charge }: ChargeStory): string {
  return `${charge?.authorization.from}/${charge?.authorization.nonce}`.toLowerCase();
}

async function endsOf(
  chain: Chain,
  asset: string,
  stories: readonly ChargeStory[],
  head: number,
): Promise<Map<string, AuthorizationEnd>> {
  const authorizations = stories.flatMap(({ charge }) =>
    charge === undefined
      ? []
      : [
          {
            authorizer: charge.authorization.from as `0x${string}`,
            nonce: charge.authorization.nonce as `0x${string}`,
          },
        ],
  );
  const ends = await chain.authorizationEvents({
    asset: asset as `0x${string}`,
    authorizations,
    fromBlock: 0,
    toBlock: head,
  });
  return new Map(ends.map((end) => [`${end.authorizer}/${end.nonce}`.toLowerCase(), end]));
}

function checkCharge(
  { chargeId, charge, amount }: ChargeStory,
  end: AuthorizationEnd | undefined,
  report: ReturnType<typeof reporter>,
): void {
  if (charge === undefined) return;
  const isPaid =
    end?.kind === 'used' &&
    end.transfer !== undefined &&
    end.transfer.from.toLowerCase() === charge.authorization.from &&
    end.transfer.to.toLowerCase() === charge.payTo &&
    end.transfer.value === amount;
  if (charge.at === 'uncollectible' && isPaid) {
    return report('chain_paid_but_written_off', chargeId, `paid in ${end.transactionHash}`);
  }
  if (charge.at !== 'settled') return;
  const said = charge.settledIn?.transactionHash;
  if (end?.kind !== 'used') return report('chain_transfer_missing', chargeId, `said ${said}`);
  if (!isPaid) return report('chain_transfer_differs', chargeId, 'another transfer than charged');
  if (end.transactionHash !== said) {
    report('chain_transfer_differs', chargeId, `said ${said}, found ${end.transactionHash}`);
  }
}

function settledByPayee(stories: readonly ChargeStory[]): Map<string, bigint> {
  const sums = new Map<string, bigint>();
  for (const { charge, amount } of stories) {
    if (charge?.at !== 'settled') continue;
    sums.set(charge.payTo, (sums.get(charge.payTo) ?? 0n) + amount);
  }
  return sums;
}
