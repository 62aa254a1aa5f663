import type { Crawl } from '../api/answers.js';
import { MoneyText } from './money-text.js';

const charged: readonly Crawl['status'][] = ['charged', 'settled', 'uncollectible'];

/** What was charged; or, quieter and named so, the price that was only quoted. */
export function CrawlAmount(props: { readonly crawl: Crawl }) {
  const { amount, status } = props.crawl;
  if (amount === null) return '–';
  if (charged.includes(status)) return <MoneyText money={amount} />;
  return (
    <span className="quiet">
      <span className="small">quoted </span>
      <MoneyText money={amount} />
    </span>
  );
}
