import { decimalText } from '@paycrawl/money/money';
import Table from 'cli-table3';
import type { CrawlTally } from './crawl.js';

/** What the demo says at its end; every figure comes from the API, the chain or the crawlers. */
export interface DemoReport {
  readonly tallies: readonly CrawlTally[];
  readonly revenueAtomic: bigint;
  readonly settledAtomic: bigint;
  readonly onChainAtomic: bigint;
  readonly batches: number;
  readonly gasWei: bigint;
  readonly seconds: number;
}

const style = { head: [], border: [] };

export function writeReport(report: DemoReport): string {
  const crawlers = new Table({
    head: ['crawler', 'client', 'pages', 'paid', 'free', 'KiB', 'refused and why'],
    style,
  });
  for (const tally of report.tallies) {
    crawlers.push([
      tally.crawler,
      tally.client,
      tally.pages,
      tally.paid,
      tally.free,
      Math.round(tally.bytes / 1024),
      [...tally.refused].map(([reason, times]) => `${times} × ${reason}`).join('\n'),
    ]);
  }
  const money = new Table({ style });
  money.push(
    { 'revenue (API)': usd(report.revenueAtomic) },
    { 'settled (API)': usd(report.settledAtomic) },
    { "USDC at the publisher's address": usd(report.onChainAtomic) },
    { 'settlement batches': String(report.batches) },
    { 'gas paid by the platform': `${ether(report.gasWei)} ETH` },
  );
  return `${crawlers.toString()}\n${money.toString()}\n(${report.seconds} s)\n`;
}

/** USDC has six decimals. */
export function usd(atomic: bigint): string {
  return `$${decimalText(atomic, 6)}`;
}

function ether(wei: bigint): string {
  return decimalText(wei, 18);
}
