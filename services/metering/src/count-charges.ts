import type { Caused, LogOutput } from '@paycrawl/fold/fold';
import type { Metrics } from '@paycrawl/service-kit/metrics';

/** Publishers that are told apart; all later ones are counted together. */
const publishersMax = 100;

/**
 * Charges as they become due. For charts only: folded again, they are counted again; revenue is
 * what the ledger says.
 */
export function countCharges(metrics: Metrics): (outputs: readonly Caused<LogOutput>[]) => void {
  const charges = metrics.tally({
    name: 'paycrawl_metering_charges_total',
    help: 'Charges that became due, by publisher (the first hundred; then "others")',
    labels: ['publisher'],
  });
  const postings = metrics.tally({
    name: 'paycrawl_metering_postings_total',
    help: 'Balanced ledger transactions, by the moment that they record',
    labels: ['moment'],
  });
  const publishers = new Set<string>();
  const nameOf = (publisherId: string): string => {
    if (publishers.has(publisherId)) return publisherId;
    if (publishers.size >= publishersMax) return 'others';
    publishers.add(publisherId);
    return publisherId;
  };
  return (outputs) => {
    for (const { output } of outputs) {
      if (output.type === 'ChargeDue') charges.count(nameOf(output.data.publisherId));
      else if (output.type === 'LedgerPosted') postings.count(output.data.moment);
    }
  };
}
