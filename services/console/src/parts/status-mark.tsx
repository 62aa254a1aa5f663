import type { BatchStatus, CrawlStatus, SettlementCharge } from '../api/answers.js';
import { codeTitle } from '../format/words.js';

type Tone = 'good' | 'waiting' | 'bad' | 'neutral';
type Status = CrawlStatus | BatchStatus | SettlementCharge['outcome'] | Outcome;
type Outcome = 'equal' | 'differs' | 'unknown';

const tones: Readonly<Record<Status, Tone>> = {
  challenged: 'neutral',
  refused: 'bad',
  rejected: 'bad',
  released: 'neutral',
  pending: 'waiting',
  charged: 'waiting',
  settled: 'good',
  uncollectible: 'bad',
  sealed: 'waiting',
  submitted: 'waiting',
  confirmed: 'good',
  lost: 'bad',
  in_flight: 'waiting',
  returned: 'neutral',
  equal: 'good',
  differs: 'bad',
  unknown: 'waiting',
};

/** What each status of a crawl means for the money, in a publisher's words. */
export const crawlStatusMeanings: Readonly<Record<CrawlStatus, string>> = {
  challenged: 'A price was quoted; no payment came with this request.',
  refused: 'A payment came that was malformed or wrongly signed. Nothing was served.',
  rejected: 'A payment came and was not accepted. Nothing was served.',
  released: 'The payment was accepted, the page was not delivered, and nothing was charged.',
  pending: 'A payment came; how it ends is not known yet.',
  charged: 'Delivered and charged. The money has not moved on chain yet.',
  settled: 'Delivered, charged, and the money is confirmed on chain.',
  uncollectible: 'Delivered, but the money cannot be collected. It is posted as a loss.',
};

export function StatusMark(props: { readonly status: Status }) {
  return (
    <span className="status" data-tone={tones[props.status]}>
      {codeTitle(props.status)}
    </span>
  );
}
