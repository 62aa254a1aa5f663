import type { ChargeEvent, DecisionEvent, EventOfType } from '@paycrawl/events/event';
import { shareOfRoundingDown } from '@paycrawl/money/money';
import type { ChargeStory } from './charges.js';
import type { Report } from './finding.js';
import type { Seen } from './history.js';

/** Before it, the platform bore the gas of all charges. */
const versionWithShares = 2;

/** Gas is shared by the charges of its transaction, and each account bears that of its own. */
export function auditGas(
  {
    decisions,
    charges,
  }: { readonly decisions: readonly Seen[]; readonly charges: readonly Seen[] },
  stories: ReadonlyMap<string, ChargeStory>,
  report: Report,
): void {
  const chargeIds = new Map<string, readonly string[]>();
  for (const { event } of charges as readonly (Seen & { event: ChargeEvent })[]) {
    if (event.type !== 'AttemptProposed') continue;
    chargeIds.set(event.data.transactionHash, event.data.chargeIds);
  }
  for (const one of decisions as readonly (Seen & { event: DecisionEvent })[]) {
    const { event } = one;
    if (event.type !== 'GasSpent' || one.version < versionWithShares) continue;
    const { transactionHash, batchId, shares } = event.data;
    const tried = chargeIds.get(transactionHash);
    if (tried === undefined) {
      report('batch_unknown', batchId, `gas of ${transactionHash}, which no attempt proposed`);
      continue;
    }
    const expected = sharesOf(event.data, tried, stories);
    if (textOf(shares) === textOf(expected)) continue;
    report('gas_shares_differ', batchId, `${textOf(shares)}, expected ${textOf(expected)}`);
  }
}

type Shares = EventOfType<'GasSpent'>['data']['shares'];

function sharesOf(
  { amountWei }: EventOfType<'GasSpent'>['data'],
  tried: readonly string[],
  stories: ReadonlyMap<string, ChargeStory>,
): Shares {
  const accounts = tried
    .map((chargeId) => stories.get(chargeId))
    .flatMap((story) => (story?.kind === 'facilitated' ? [story.publisherId] : []));
  return [...new Set(accounts)].sort().map((account) => {
    const charges = accounts.filter((one) => one === account).length;
    const share = shareOfRoundingDown(BigInt(amountWei), BigInt(charges), BigInt(tried.length));
    return { account, charges, amountWei: share.toString() };
  });
}

function textOf(shares: Shares): string {
  const text = shares.map(
    ({ account, charges, amountWei }) => `${account} ${charges} ${amountWei}`,
  );
  return text.length === 0 ? 'no shares' : text.join(', ');
}
