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
    const others = byAsset.get(story.asset);
    if (others === undefined) byAsset.set(story.asset, [story]);
    else others.push(story);
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

/** Fewer are looked for in the whole chain at once. */
const nearbyFrom = 5_000;
const nearbyAtOnce = 500;
/** The log names the block in which it was seen at depth; it was mined some blocks before. */
const nearbyBlocks = 100;

/**
 * Where every authorization ended. Of many, those that the log knows to be settled are looked for
 * around the block that it names, so that the work grows with the charges and not with their square;
 * whatever is not found there is looked for everywhere.
 */
async function endsOf(
  chain: Chain,
  asset: string,
  stories: readonly ChargeStory[],
  head: number,
): Promise<Map<string, AuthorizationEnd>> {
  const ends = new Map<string, AuthorizationEnd>();
  const find = async (some: readonly ChargeStory[], fromBlock: number, toBlock: number) => {
    const authorizations = some.flatMap(authorizationOf);
    const asked = { asset: asset as `0x${string}`, authorizations, fromBlock, toBlock };
    for (const end of await chain.authorizationEvents(asked)) {
      ends.set(`${end.authorizer}/${end.nonce}`.toLowerCase(), end);
    }
  };
  const settled = stories.length < nearbyFrom ? [] : stories.filter(isSettled);
  settled.sort((one, other) => blockOf(one) - blockOf(other));
  for (let start = 0; start < settled.length; start += nearbyAtOnce) {
    const some = settled.slice(start, start + nearbyAtOnce);
    const fromBlock = Math.max(0, blockOf(some[0]) - nearbyBlocks);
    await find(some, fromBlock, Math.min(head, blockOf(some.at(-1))));
  }
  await find(
    stories.filter((story) => !ends.has(keyOf(story))),
    0,
    head,
  );
  return ends;
}

function isSettled({ charge }: ChargeStory): boolean {
  return charge?.settledIn !== undefined;
}

function blockOf(story: ChargeStory | undefined): number {
  return story?.charge?.settledIn?.blockNumber ?? 0;
}

function authorizationOf({ charge }: ChargeStory) {
  if (charge === undefined) return [];
  const { from, nonce } = charge.authorization;
  return [{ authorizer: from as `0x${string}`, nonce: nonce as `0x${string}` }];
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
