import { Skeleton } from '@mantine/core';
import { type ReactNode, useEffect } from 'react';
import { Link } from 'react-router';
import type { Crawl, Live } from '../../api/answers.js';
import { plural } from '../../format/count.js';
import { formatClock } from '../../format/time.js';
import { type LiveRevenue, liveOf } from '../../live/live-revenue.js';
import { CrawlAmount } from '../../parts/crawl-amount.js';
import { MoniesText } from '../../parts/money-text.js';
import { EmptyNote, ProblemNote } from '../../parts/notes.js';
import { StatusMark } from '../../parts/status-mark.js';
import { TimeText } from '../../parts/time-text.js';
import { pathOf } from '../use-publisher.js';
import classes from './live-head.module.css';

/** Revenue now: what today came to, where all of it stands, and the crawls as they happen. */
export function LiveHead(props: { readonly publisher: string; readonly live: LiveRevenue }) {
  const state = props.live;
  const live = liveOf(state);
  useEffect(() => {
    document.title = 'Overview · paycrawl';
  }, []);
  if (live === null && (state.status === 'broken' || state.status === 'stopped')) {
    return (
      <section className={classes.head}>
        <ProblemNote problem={state.problem} />
      </section>
    );
  }
  return (
    <section className={classes.head} aria-busy={live === null}>
      <div className={classes.sum}>
        <div className={classes.label}>
          <h1>Charged today</h1>
          <LiveMark state={state} />
        </div>
        {live === null ? <TodaySkeleton /> : <Today live={live} />}
        <Standing live={live} />
      </div>
      <Recent publisher={props.publisher} live={live} />
    </section>
  );
}

function LiveMark(props: { readonly state: LiveRevenue }) {
  const { state } = props;
  const live = liveOf(state);
  if (state.status === 'live') return <span className={classes.live}>Live</span>;
  const words =
    live === null ? 'Connecting' : `As of ${formatClock(live.at)} UTC, connecting again`;
  return (
    <span className={classes.waiting} role="status">
      {words}
    </span>
  );
}

function Today(props: { readonly live: Live }) {
  const { charged, counts } = props.live.today;
  return (
    <>
      <div className={classes.figure} data-testid="charged-today">
        <MoniesText monies={charged} />
      </div>
      <p className="quiet">
        {plural(counts.charges, 'paid crawl', 'paid crawls')} since 00:00 UTC,{' '}
        {plural(counts.challenges, 'challenge', 'challenges')}
      </p>
    </>
  );
}

/** In the boxes of the figures themselves, so that nothing moves when they come. */
function TodaySkeleton() {
  return (
    <>
      <div className={classes.figure}>
        <Skeleton height="1.15em" width="100%" />
      </div>
      <p>
        <Skeleton height="1.55em" width={280} maw="100%" component="span" display="block" />
      </p>
    </>
  );
}

function Standing(props: { readonly live: Live | null }) {
  const balance = props.live?.balance;
  return (
    <dl className={classes.standing}>
      <Stand term="Owed to you" note="charged, on its way" monies={balance?.owed} />
      <Stand term="Settled" note="on chain, since ever" monies={balance?.settled} />
      <Stand term="Lost" note="cannot be collected" monies={balance?.uncollectible} />
    </dl>
  );
}

function Stand(props: {
  readonly term: string;
  readonly note: string;
  readonly monies: Live['balance']['owed'] | undefined;
}) {
  const { term, note, monies } = props;
  const value: ReactNode =
    monies === undefined ? <Skeleton height={24} width={110} /> : <MoniesText monies={monies} />;
  return (
    <div>
      <dt>{term}</dt>
      <dd className={classes.amount}>{value}</dd>
      <dd className="quiet small">{note}</dd>
    </div>
  );
}

const recentShown = 6;

function Recent(props: { readonly publisher: string; readonly live: Live | null }) {
  const { publisher, live } = props;
  const rows = live?.recent.slice(0, recentShown);
  return (
    <div className={classes.recent}>
      <div className={classes.recentHead}>
        <h2>Latest crawls</h2>
        <Link to={pathOf(publisher, 'crawls')}>All crawls</Link>
      </div>
      {rows === undefined && <RecentSkeleton />}
      {rows?.length === 0 && (
        <EmptyNote title="No crawler came lately.">
          The next one that meets a price shows here the moment it asks.
        </EmptyNote>
      )}
      <ol>
        {rows?.map((crawl) => (
          <RecentRow key={crawl.id} publisher={publisher} crawl={crawl} />
        ))}
      </ol>
    </div>
  );
}

function RecentSkeleton() {
  return Array.from({ length: recentShown }, (_, row) => row).map((row) => (
    <div key={row} className={classes.waitingRow}>
      <Skeleton height={14} width={`${88 - ((row * 17) % 30)}%`} />
    </div>
  ));
}

function RecentRow(props: { readonly publisher: string; readonly crawl: Crawl }) {
  const { publisher, crawl } = props;
  return (
    <li className={classes.row}>
      <span className={classes.clock}>
        <TimeText at={crawl.at}>{formatClock(crawl.at)}</TimeText>
      </span>
      <Link className={classes.path} to={pathOf(publisher, 'crawls', crawl.id)}>
        {crawl.path}
      </Link>
      <span className={classes.crawler}>{crawl.crawler}</span>
      <StatusMark status={crawl.status} />
      <span className={classes.price}>
        <CrawlAmount crawl={crawl} />
      </span>
    </li>
  );
}
