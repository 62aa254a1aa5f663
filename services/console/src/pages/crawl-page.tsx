import { Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from 'react-router';
import type { Crawl, CrawlDetail, Settlement } from '../api/answers.js';
import { readCrawl } from '../api/paycrawl-api.js';
import { codeTitle, dialectTitle } from '../format/words.js';
import { Answered } from '../parts/answered.js';
import { CrawlAmount } from '../parts/crawl-amount.js';
import { EventTimeline } from '../parts/event-timeline.js';
import { HashText } from '../parts/hash-text.js';
import { LedgerTableSkeleton } from '../parts/ledger-table.js';
import { PageHead } from '../parts/page-head.js';
import { type Fact, Facts, Sheet } from '../parts/sheet.js';
import { crawlStatusMeanings, StatusMark } from '../parts/status-mark.js';
import { TimeText } from '../parts/time-text.js';
import { useSignedIn } from '../session/session-context.js';
import classes from './detail-page.module.css';
import { pathOf, usePublisher } from './use-publisher.js';

/** While money is on its way, the page follows it by itself. */
const refetchMs = 3_000;
const ended: readonly Crawl['status'][] = [
  'challenged',
  'refused',
  'rejected',
  'settled',
  'uncollectible',
];

export function CrawlPage() {
  const publisher = usePublisher();
  const { crawl: id = '' } = useParams();
  const { token } = useSignedIn();
  const query = useQuery({
    queryKey: ['crawl', id],
    queryFn: ({ signal }) => readCrawl({ token, signal }, id),
    refetchInterval: ({ state: { data } }) =>
      data === undefined || ended.includes(data.crawl.status) ? false : refetchMs,
  });
  return (
    <>
      <p className={classes.back}>
        <Link to={pathOf(publisher, 'crawls')}>All crawls</Link>
      </p>
      <Answered query={query} skeleton={<DetailSkeleton />}>
        {(detail) => <CrawlStory publisher={publisher} detail={detail} />}
      </Answered>
    </>
  );
}

export function DetailSkeleton() {
  return (
    <div className={classes.page}>
      <Skeleton height={36} width="60%" />
      <Skeleton height={230} />
      <LedgerTableSkeleton />
    </div>
  );
}

function CrawlStory(props: { readonly publisher: string; readonly detail: CrawlDetail }) {
  const { publisher, detail } = props;
  const { crawl, events, settlement } = detail;
  return (
    <div className={classes.page}>
      <PageHead title={crawl.path} lead={crawlStatusMeanings[crawl.status]}>
        <span className={classes.amount}>
          <CrawlAmount crawl={crawl} />
        </span>
        <StatusMark status={crawl.status} />
      </PageHead>
      <div className={classes.pair}>
        <Sheet title="The crawl">
          <Facts facts={requestFacts(crawl)} />
        </Sheet>
        <Sheet title="The money">
          <Facts facts={moneyFacts(publisher, crawl, settlement)} />
        </Sheet>
      </div>
      <EventTimeline events={events} />
    </div>
  );
}

function requestFacts(crawl: Crawl): readonly Fact[] {
  return [
    { term: 'Asked (UTC)', value: <TimeText at={crawl.at} /> },
    { term: 'Crawler', value: crawl.crawler },
    { term: 'Request', value: `${crawl.method} ${crawl.url}`, isWide: true },
    { term: 'Crawl', value: <HashText value={crawl.id} what="crawl id" /> },
  ];
}

function moneyFacts(
  publisher: string,
  crawl: Crawl,
  settlement: Settlement | null,
): readonly Fact[] {
  const { payer, dialect, code, chargeId, batchId } = crawl;
  const transaction = settlement?.transaction ?? crawl.transaction;
  return [
    { term: 'Payer', value: payer === null ? '–' : <HashText value={payer} what="payer" /> },
    { term: 'Paid by', value: dialect === null ? '–' : dialectTitle(dialect) },
    {
      term: 'Charge',
      value: chargeId === null ? 'not charged' : <HashText value={chargeId} what="charge id" />,
    },
    {
      term: 'Settlement batch',
      value: batchId === null ? '–' : <BatchLink publisher={publisher} batchId={batchId} />,
    },
    {
      term: 'Settlement transaction',
      value: transaction === null ? '–' : <HashText value={transaction} what="transaction hash" />,
    },
    ...(code === null ? [] : [{ term: 'Reason', value: <Reason code={code} /> }]),
  ];
}

function BatchLink(props: { readonly publisher: string; readonly batchId: string }) {
  const { publisher, batchId } = props;
  return (
    <>
      <Link to={pathOf(publisher, 'settlements', batchId)}>Open</Link>
      <HashText value={batchId} what="batch id" />
    </>
  );
}

function Reason(props: { readonly code: string }) {
  return (
    <>
      {codeTitle(props.code)} <span className="mono quiet">{props.code}</span>
    </>
  );
}
